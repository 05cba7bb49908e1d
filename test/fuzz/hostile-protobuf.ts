import fc, { type Arbitrary } from 'fast-check';
import { hostileText } from './hostile-text.ts';

/** Ids, tokens of pages and texts that a request may well hold, and others. */
const text = fc.oneof(
  fc.constantFrom('alpha', 'a1', 'aaaa', 'a'.repeat(26), 'YWxwaGE', 'https://a.example.org/rss'),
  fc.constantFrom(...['a', 'a!b', '!', 'zzz'].map((key) => Buffer.from(key).toString('base64url'))),
  hostileText,
  fc.nat(3_000).map((count) => 'x'.repeat(count)),
);
const number = fc.oneof(
  fc.constantFrom(0n, 1n, 2n, 1_000n, 1_001n, 2n ** 31n, 2n ** 53n, 2n ** 63n, 2n ** 64n - 1n),
  fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }),
);
const GROUPS_MAX = 10_000;
const REPEATS_MAX = 1_500;

const { field } = fc.letrec<{ field: Buffer; message: Buffer }>((tie) => ({
  message: fc.array(tie('field'), { maxLength: 4 }).map((fields) => Buffer.concat(fields)),
  field: fc
    .tuple(
      fc.oneof({ weight: 9, arbitrary: fc.integer({ min: 1, max: 6 }) }, fc.nat(2 ** 29)),
      fc.oneof(
        { weight: 5, arbitrary: text.map((said) => sized(Buffer.from(said))) },
        { weight: 4, arbitrary: number.map((n) => [0, varint(n)] as const) },
        { weight: 3, arbitrary: tie('message').map(sized) },
        {
          weight: 1,
          arbitrary: fc.uint8Array({ maxLength: 40 }).map((bytes) => sized(Buffer.from(bytes))),
        },
        {
          weight: 1,
          arbitrary: fc.constantFrom(
            [1, Buffer.alloc(8, 255)] as const,
            [5, Buffer.alloc(4)] as const,
          ),
        },
        // A varint that does not end, a length beyond the end, wire types that there are not.
        {
          weight: 1,
          arbitrary: fc.constantFrom(
            [0, Buffer.alloc(12, 0xff)] as const,
            [2, varint(2n ** 31n)] as const,
            [6, Buffer.alloc(1)] as const,
            [7, Buffer.alloc(0)] as const,
          ),
        },
        {
          weight: 1,
          arbitrary: fc.nat(GROUPS_MAX).map((depth) => [3, Buffer.alloc(depth, 0x0b)] as const),
        },
      ),
    )
    .map(([no, [wire, bytes]]) =>
      Buffer.concat([varint((BigInt(no) << 3n) | BigInt(wire)), bytes]),
    ),
}));

/** Of fields as a request has them, with numbers, wire types, lengths and ends that no client sends. */
export const hostileMessage: Arbitrary<Buffer> = fc.oneof(
  {
    weight: 8,
    arbitrary: fc.array(field, { maxLength: 6 }).map((fields) => Buffer.concat(fields)),
  },
  {
    weight: 1,
    arbitrary: fc
      .tuple(field, fc.nat(REPEATS_MAX))
      .map(([one, count]) => Buffer.concat(Array.from({ length: count }, () => one))),
  },
  { weight: 1, arbitrary: fc.uint8Array({ maxLength: 300 }).map((bytes) => Buffer.from(bytes)) },
  {
    weight: 2,
    arbitrary: fc
      .tuple(fc.array(field, { maxLength: 4 }), fc.nat(200))
      .map(([fields, at]) => Buffer.concat(fields).subarray(0, at)),
  },
);

function sized(bytes: Buffer): readonly [wire: number, bytes: Buffer] {
  return [2, Buffer.concat([varint(BigInt(bytes.length)), bytes])];
}

function varint(value: bigint): Buffer {
  const bytes: number[] = [];
  let rest = value;
  while (rest > 127n) {
    bytes.push(Number(rest & 127n) | 128);
    rest >>= 7n;
  }
  return Buffer.from([...bytes, Number(rest)]);
}
