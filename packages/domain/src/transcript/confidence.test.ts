import { expect, test } from 'vitest';
import { confidenceOf } from './confidence.ts';

const word = (probability: number | null) => ({
  startSeconds: 0,
  endSeconds: 1,
  text: ' a',
  probability,
});

test('confidence is the mean probability of the tokens, else of the words, else unknown', () => {
  expect(confidenceOf({ avgLogprob: Math.log(0.5), words: [word(0.9)] })).toBeCloseTo(0.5);
  expect(confidenceOf({ avgLogprob: 0.01, words: [] })).toBe(1);
  expect(confidenceOf({ avgLogprob: null, words: [word(0.8), word(null), word(0.6)] })).toBeCloseTo(
    0.7,
  );
  expect(confidenceOf({ avgLogprob: null, words: [word(null)] })).toBeNull();
});
