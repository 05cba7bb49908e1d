import fc from 'fast-check';
import { expect, test } from 'vitest';
import { passagesOf, timeAt } from './passage.ts';
import { spokenWords } from './spoken-word.ts';
import type { TranscriptSegment } from './transcript.ts';

function segment(startSeconds: number, endSeconds: number, text: string): TranscriptSegment {
  const of = { avgLogprob: null, noSpeechProbability: null, words: [] };
  return { startSeconds, endSeconds, text, ...of };
}

/** Sentences of five words and two seconds each. */
const talk = (sentences: number) =>
  Array.from({ length: sentences }, (_, i) =>
    segment(2 * i, 2 * i + 2, ` s${i} one two three four.`),
  );

test('passages last half a minute to a minute and end with a sentence', () => {
  const passages = passagesOf(talk(60));
  expect(passages.map(({ startMs }) => startMs)).toEqual([0, 30_000, 60_000, 90_000]);
  expect(passages.every(({ text }) => text.endsWith('four.'))).toBe(true);
  expect(passages[1]?.text.startsWith('s15 one two')).toBe(true);
});

test('a passage ends after a minute where nothing else ends it', () => {
  const endless = [segment(0, 150, Array.from({ length: 150 }, (_, i) => `w${i}`).join(' '))];
  expect(passagesOf(endless).length).toBeGreaterThanOrEqual(3);
});

test('the time of a word is that of the words around it', () => {
  const [passage] = passagesOf(talk(10));
  if (passage === undefined) throw new Error('no passage');
  for (let i = 0; i < 10; i += 1) {
    const ms = timeAt(passage, passage.text.indexOf(`s${i} `));
    expect(ms).toBeLessThanOrEqual(2_000 * i);
    expect(ms).toBeGreaterThan(2_000 * i - 4_000);
  }
});

test('no speech is no passage', () => {
  expect(passagesOf([])).toEqual([]);
  expect(passagesOf([segment(0, 9, ' ')])).toEqual([]);
});

test('every word is in one passage, in order, whatever the times say', () => {
  const segments = fc.array(
    fc.record({ text: fc.string(), startSeconds: fc.double(), endSeconds: fc.double() }),
    { maxLength: 20 },
  );
  fc.assert(
    fc.property(segments, (raw) => {
      const all = raw.map(({ text, startSeconds, endSeconds }) =>
        segment(startSeconds, endSeconds, text),
      );
      const words = spokenWords({ segments: all }).map(({ text }) => text);
      const found = passagesOf(all).flatMap(({ text }) => text.split(' '));
      expect(found.join('')).toBe(words.join('').replaceAll(' ', ''));
    }),
  );
});
