import { expect, test } from 'vitest';
import { windowSecondsOf } from './window-length.ts';

test('a window fills the batch of a GPU, and loses little on a CPU', () => {
  const lengths = [1, 8, 16, 128].map((batch) => windowSecondsOf('cuda', batch));
  expect(lengths).toEqual([120, 240, 480, 900]);
  expect(windowSecondsOf('cpu', 8)).toBe(120);
});
