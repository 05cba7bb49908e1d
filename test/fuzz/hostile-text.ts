import fc, { type Arbitrary } from 'fast-check';
import { expect } from 'vitest';

const FRAGMENTS = [
  ...['\u0000', '\u001b[31m', '\u009b2J', '\r\n', '\n', '\t', '\u2028', '\u202e', '\ufeff'],
  ...['\ud800', '\udfff', '日本', 'é', '😀', '.', '..', '/', '%2e%2e%2f', '%00', '"', '\\', "'"],
  ...['$', '{', '}', '*', '>', '-', '--', ' ', '1', '0', 'a', '__proto__', '<script>'],
];

/** Short, of what breaks readers: control characters, half pairs, what steers a terminal, a path or a pattern. */
export const hostileText: Arbitrary<string> = fc.oneof(
  fc.array(fc.constantFrom(...FRAGMENTS), { maxLength: 6 }).map((some) => some.join('')),
  fc.string({ unit: 'binary', maxLength: 20 }),
  fc
    .tuple(fc.constantFrom('a', '\u001b', '日', '\ud83d', '"'), fc.nat(600))
    .map(([c, n]) => c.repeat(n)),
);

/** A text with some of its characters dropped, doubled, or with others among them. */
export function mutatedText(texts: Arbitrary<string>): Arbitrary<string> {
  const edit = fc.record({ at: fc.nat(2_000), drop: fc.nat(8), text: hostileText });
  return fc.tuple(texts, fc.array(edit, { maxLength: 3 })).map(([text, edits]) =>
    edits.reduce((now, { at, drop, text: more }) => {
      const place = now.length === 0 ? 0 : at % (now.length + 1);
      return `${now.slice(0, place)}${more}${now.slice(place + drop)}`;
    }, text),
  );
}

/** A text as bytes that are not quite UTF-8, or not quite whole. */
export function hostileBytes(texts: Arbitrary<string>): Arbitrary<Uint8Array> {
  const spoil = fc.constantFrom('bom', 'cut', 'flip', 'insert', 'trail', 'utf16');
  return fc.tuple(texts, spoil, fc.nat(), fc.nat(255)).map(([text, how, seed, byte]) => {
    const bytes = Buffer.from(text);
    const at = bytes.length === 0 ? 0 : seed % bytes.length;
    const before = bytes.subarray(0, at);
    switch (how) {
      case 'bom':
        return Buffer.concat([Buffer.from([0xef, 0xbb, 0xbf]), bytes]);
      case 'cut':
        return before;
      case 'flip':
        return Buffer.concat([before, Buffer.from([byte]), bytes.subarray(at + 1)]);
      case 'insert':
        return Buffer.concat([before, Buffer.from([byte, 0xc3, 0xe2, 0x82]), bytes.subarray(at)]);
      case 'trail':
        return Buffer.concat([bytes, Buffer.from([0, byte, 0x5d, 0x7d])]);
      default:
        return Buffer.from(text, 'utf16le');
    }
  });
}

const SENTENCE_LENGTH_MAX = 500;
const QUOTED_LENGTH_MAX = 60;

/** Fit for a log and a terminal: one short line, nothing that steers, no long piece of what came. */
export function isPlainSentence(error: string, input: string): void {
  expect(error.length).toBeGreaterThan(0);
  expect(error.length).toBeLessThan(SENTENCE_LENGTH_MAX);
  expect(error).not.toMatch(
    /[\p{Cc}\p{Zl}\p{Zp}\p{Cs}\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]/u,
  );
  expect(longestQuote(error, input)).toBeLessThanOrEqual(QUOTED_LENGTH_MAX);
}

/** Characters of the longest piece of the input in the error, as far as it matters. Marks around a quote are not of it. */
function longestQuote(error: string, input: string): number {
  const [said = '', came = ''] = [error, input].map((text) =>
    text.replace(/\\u[0-9a-f]{4}|\\./gi, '?'),
  );
  const inner = came.replaceAll('"', '\u0000');
  const over = QUOTED_LENGTH_MAX + 1;
  for (let at = 0; at + over <= said.length; at += 1)
    if (inner.includes(said.slice(at, at + over))) return over;
  return 0;
}
