import { expect, test } from 'vitest';
import { normalizedWords, numberWords, wordErrorRate } from './word-error-rate.ts';

test('case, punctuation and the way of writing numbers are no errors', () => {
  expect(normalizedWords('Hello, it’s 27 days; 2,500 years!')).toEqual(
    'hello its twenty seven days two thousand five hundred years'.split(' '),
  );
  expect([0, 19, 20, 96, 300, 1_001].map(numberWords)).toEqual([
    'zero',
    'nineteen',
    'twenty',
    'ninety six',
    'three hundred',
    'one thousand one',
  ]);
});

test('errors are pooled over all texts', () => {
  expect(wordErrorRate([{ expected: 'a b c d', heard: 'a b c d' }])).toBe(0);
  expect(wordErrorRate([{ expected: 'a b c d', heard: 'a x c' }])).toBe(0.5);
  expect(
    wordErrorRate([
      { expected: 'a b c d e f', heard: '' },
      { expected: 'a b', heard: 'a b' },
    ]),
  ).toBe(0.75);
  expect(wordErrorRate([])).toBe(1);
});
