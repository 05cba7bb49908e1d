import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { learnedSpeed, reckonedSeconds, toldSeconds } from './engine-progress.ts';

test.each([
  ['[00:00:00.000 --> 00:01:07.740]   Hello', 67.74],
  ['[12:00.000 --> 12:07.000] Hello', 727],
  ['00:00:01,000 --> 00:00:02,500', 2.5],
  ['whisper_print_progress_callback: progress =  25%', 25],
  ['Progress:  85%', 85],
  [' 40%|████      | 4000/10000 [00:01<00:02]', 40],
  ['loss 25% of packets', null],
  ['Hello', null],
])('%s says where a program is', (line, seconds) => {
  expect(toldSeconds(line, 100)).toBe(seconds);
});

test('percents say nothing of audio whose length is not known', () => {
  expect(toldSeconds('progress = 25%', null)).toBeNull();
});

test('by the clock it always rises, and is never at the end', () => {
  const positive = fc.double({ min: 0.001, max: 1e7, noNaN: true });
  void fc.assert(
    fc.property(positive, positive, positive, fc.option(positive), (a, b, duration, speed) => {
      const [early, late] = [Math.min(a, b), Math.max(a, b)];
      const seconds = reckonedSeconds(late, duration, speed);
      expect(seconds).toBeGreaterThanOrEqual(reckonedSeconds(early, duration, speed));
      expect(seconds).toBeLessThan(duration);
    }),
    { numRuns: 200 },
  );
});

test('at the time that it should take, most of it is claimed', () => {
  expect(reckonedSeconds(10_000, 100, 10)).toBeCloseTo(87.5, 0);
  expect(reckonedSeconds(0, 100, 10)).toBe(0);
});

test('the speed is learned from each run, and no run without a length spoils it', () => {
  expect(learnedSpeed(null, 100, 10_000)).toBe(10);
  expect(learnedSpeed(10, 100, 5_000)).toBe(15);
  expect(learnedSpeed(10, 0, 5_000)).toBe(10);
});
