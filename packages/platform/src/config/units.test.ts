import { expect, it } from 'vitest';
import { durationMs, sizeBytes } from './units.ts';

it.each([
  ['0s', 0],
  ['250ms', 250],
  ['1.5h', 5_400_000],
  ['2d', 172_800_000],
  ['30', null],
  ['s', null],
  ['-1s', null],
  ['1 s', null],
  ['1w', null],
  ['1S', null],
  ['1e3s', null],
  ['999999999999d', null],
])('%s is %s ms', (text, ms) => {
  expect(durationMs(text)).toBe(ms);
});

it.each([
  ['100KB', 100_000],
  ['1.5MB', 1_500_000],
  ['64KiB', 65_536],
  ['1TB', 1e12],
  ['7B', 7],
  ['7', null],
  ['7K', null],
  ['7kb', null],
])('%s is %s bytes', (text, bytes) => {
  expect(sizeBytes(text)).toBe(bytes);
});
