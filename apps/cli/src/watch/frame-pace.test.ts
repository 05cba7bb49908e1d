import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { FramePace } from './frame-pace.ts';

let drawnAt: number[];
let pace: FramePace;

beforeEach(() => {
  vi.useFakeTimers();
  drawnAt = [];
  const beganAtMs = performance.now();
  pace = new FramePace(() => drawnAt.push(Math.round(performance.now() - beganAtMs)));
  pace.now();
});

afterEach(() => {
  pace.stop();
  vi.useRealTimers();
});

test('draws each second though nothing happens', () => {
  vi.advanceTimersByTime(3_500);
  expect(drawnAt).toEqual([0, 1_000, 2_000, 3_000]);
});

test('draws seven times a second at most, however much happens', () => {
  for (let ms = 0; ms < 1_000; ms += 10) {
    vi.advanceTimersByTime(10);
    pace.soon();
  }
  expect(drawnAt).toEqual([0, 150, 300, 450, 600, 750, 900]);
});

test('a message that came late delays none of those after it', () => {
  for (const ms of [200, 440, 600, 800]) {
    vi.advanceTimersByTime(ms - (drawnAt.at(-1) ?? 0));
    pace.soon();
  }
  vi.advanceTimersByTime(0);
  expect(drawnAt).toEqual([0, 200, 440, 600, 800]);
});

test('after a quiet while, what happens is drawn at once', () => {
  vi.advanceTimersByTime(500);
  pace.soon();
  expect(drawnAt).toEqual([0, 500]);
});

test('a key is drawn sooner than what waits already, and nothing after the end', () => {
  vi.advanceTimersByTime(10);
  pace.soon();
  pace.key();
  vi.advanceTimersByTime(40);
  expect(drawnAt).toEqual([0, 50]);
  pace.soon();
  pace.stop();
  pace.key();
  vi.advanceTimersByTime(5_000);
  expect(drawnAt).toEqual([0, 50]);
});
