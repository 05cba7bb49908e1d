import { expect, test } from 'vitest';
import { watchPauseMs } from './watch-pause.ts';

test('few watchers are told as often as they ask, and many share a hundred messages a second', () => {
  expect(watchPauseMs(200, 1)).toBe(200);
  expect(watchPauseMs(200, 20)).toBe(200);
  expect(watchPauseMs(500, 100)).toBe(1_000);
  expect(watchPauseMs(500, 200)).toBe(2_000);
  expect(watchPauseMs(60_000, 200)).toBe(60_000);
});
