import { expect, test } from 'vitest';
import { parseDurationMs } from './duration-flag.ts';

const parsed = (text: string) => parseDurationMs(text, 'deadline');

test('a duration is a number with its unit, from milliseconds to days', () => {
  expect(['500ms', '1.5s', '5m', '2h', '7d'].map(parsed)).toEqual([
    500, 1_500, 300_000, 7_200_000, 604_800_000,
  ]);
  for (const text of ['', '10', '0s', '-1s', '1y', '1h30m'])
    expect(() => parsed(text)).toThrow(/is not a duration; give a number with/);
});

test('what is too long is told as such, with the longest', () => {
  for (const text of ['8d', '200h', '2w'])
    expect(() => parsed(text)).toThrow(`--deadline "${text}" is too long; give 7d at most`);
});
