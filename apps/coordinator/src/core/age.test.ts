import { expect, test } from 'vitest';
import { ageWords } from './age.ts';

test.each([
  [0, '0 s'],
  [4_999, '0 s'],
  [5_000, '5 s'],
  [9_999, '5 s'],
  [12_000, '10 s'],
  [59_999, '50 s'],
  [60_000, '1 min'],
  [7_250_000, '120 min'],
])('%i ms are told as %s', (ms, words) => {
  expect(ageWords(ms)).toBe(words);
});
