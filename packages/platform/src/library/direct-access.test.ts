import { expect, test } from 'vitest';
import {
  DIRECT_PART_BYTES,
  parseUploadPlan,
  parseUploadWish,
  partsOf,
  type UploadPlan,
} from './direct-access.ts';

const sha256 = 'a'.repeat(64);
const wish = (sizeBytes: number, parts: number) =>
  JSON.stringify({ sizeBytes, sha256, parts: Array.from({ length: parts }, () => sha256) });

test('a file has as many sums as parts, and an empty one has one', () => {
  for (const [sizeBytes, parts] of [
    [0, 1],
    [1, 1],
    [DIRECT_PART_BYTES, 1],
    [DIRECT_PART_BYTES + 1, 2],
  ] as const) {
    expect(partsOf(sizeBytes)).toBe(parts);
    expect(parseUploadWish(wish(sizeBytes, parts)).ok).toBe(true);
    expect(parseUploadWish(wish(sizeBytes, parts + 1)).ok).toBe(false);
  }
});

test.each(['', '[]', 'null', '{"sizeBytes":1}', wish(-1, 1), wish(1.5, 1), wish(1e15, 1)])(
  'the announcement %s is refused',
  (text) => {
    expect(parseUploadWish(text).ok).toBe(false);
  },
);

const plan = (url: string, header = 'x-amz-checksum-sha256'): UploadPlan => ({
  kind: 'send',
  requests: [{ url, headers: { [header]: 'x' }, startBytes: 0, endBytes: 1 }],
  arrivedBytes: 0,
});

test('a plan is read as it was written, and leads only to web addresses', () => {
  const good = plan('https://bucket.example/key?X-Amz-Signature=1');
  expect(parseUploadPlan(JSON.stringify(good))).toEqual({ ok: true, value: good });
  for (const bad of [plan('file:///etc/passwd'), plan('ftp://x/y'), plan('http://x/y', 'Host\r\n')])
    expect(parseUploadPlan(JSON.stringify(bad)).ok).toBe(false);
});
