import { expect, test } from 'vitest';
import { parseDurationSeconds } from './duration.ts';

test.each([
  ['1800', 1800],
  ['30:05', 1805],
  ['1:00:05', 3605],
  [' 01:02:03 ', 3723],
  ['00:93:12', 5592],
  ['12.5', 12.5],
  ['1h 2m', 3720],
  ['1h2m3s', 3723],
  ['62 min', 3720],
  ['1 hour, 2 minutes', 3720],
  ['PT1H2M3.5S', 3723.5],
])('%j is %d seconds', (text, seconds) => {
  expect(parseDurationSeconds(text)).toBe(seconds);
});

test.each([
  '',
  '0',
  '00:00',
  'an hour',
  '1:2:3:4',
  '-5',
  '9999999',
  '1e3',
  '12:',
  '5 miles',
  'pt',
  'm',
])('%j is not believed', (text) => {
  expect(parseDurationSeconds(text)).toBeNull();
});
