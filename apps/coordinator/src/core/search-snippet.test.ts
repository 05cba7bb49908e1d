import fc from 'fast-check';
import { expect, test } from 'vitest';
import { MATCH_BEGIN, MATCH_END, SNIPPET_LENGTH_MAX, snippetOf } from './search-snippet.ts';

const hit = (text: string) => `${MATCH_BEGIN}${text}${MATCH_END}`;
const text = (parts: readonly { text: string }[]) => parts.map((part) => part.text).join('');

test('a snippet is what stands around the first match, in whole words', () => {
  const before = Array.from({ length: 40 }, (_, i) => `before${i}`).join(' ');
  const after = Array.from({ length: 60 }, (_, i) => `after${i}`).join(' ');
  const { parts } = snippetOf(`${before} ${hit('clock')} ${after}`, 0, []);
  expect(text(parts)).toMatch(/^…before\d+ .*before39 clock after0 .*after\d+…$/);
  expect(text(parts).length).toBeLessThanOrEqual(SNIPPET_LENGTH_MAX + 2);
  expect(parts.filter(({ isMatch }) => isMatch)).toEqual([{ text: 'clock', isMatch: true }]);
});

test('a short passage is shown whole, with all its matches', () => {
  const { parts } = snippetOf(`${hit('The')} long ${hit('case')}`, 0, []);
  expect(parts).toEqual([
    { text: 'The', isMatch: true },
    { text: ' long ', isMatch: false },
    { text: 'case', isMatch: true },
  ]);
});

test('the time is that of the first match', () => {
  const marks = [
    { at: 0, ms: 1_000 },
    { at: 9, ms: 5_000 },
    { at: 20, ms: 9_000 },
  ];
  expect(snippetOf(`the long ${hit('case')} clock`, 1_000, marks).startMs).toBe(5_000);
  expect(snippetOf(`${hit('the')} long case`, 1_000, marks).startMs).toBe(1_000);
  expect(snippetOf('nothing marked', 700, []).startMs).toBe(700);
});

test('a snippet is a part of the passage and shows a match, whatever the text', () => {
  const words = fc
    .string({ unit: 'grapheme', maxLength: 400 })
    .map((t) => t.replace(/\p{Cc}/gu, ''));
  fc.assert(
    fc.property(
      words,
      words.filter((t) => t !== ''),
      words,
      (before, match, after) => {
        const { parts } = snippetOf(`${before}${hit(match)}${after}`, 0, []);
        const shown = text(parts).replace(/^…|…$/g, '');
        expect(`…${before}${match}${after}…`).toContain(shown);
        expect(parts.some(({ isMatch }) => isMatch)).toBe(true);
        expect(text(parts).isWellFormed()).toBe(`${before}${match}${after}`.isWellFormed());
      },
    ),
  );
});
