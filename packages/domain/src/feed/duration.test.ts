import { expect, test } from 'vitest';
import { parseDurationSeconds } from './duration.ts';

test.each([
  ['1800', 1800],
  ['30:05', 1805],
  ['1:00:05', 3605],
  [' 01:02:03 ', 3723],
  ['00:93:12', 5592],
  ['12.5', 12.5],
])('%j is %d seconds', (text, seconds) => {
  expect(parseDurationSeconds(text)).toBe(seconds);
});

test.each(['', '0', '00:00', 'an hour', '1:2:3:4', '-5', '9999999', '1e3', '12:'])(
  '%j is not believed',
  (text) => {
    expect(parseDurationSeconds(text)).toBeNull();
  },
);
