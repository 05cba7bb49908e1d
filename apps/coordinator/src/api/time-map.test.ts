import { expect, test } from 'vitest';
import { dateOf } from './time-map.ts';

test.each([null, Number.NaN, Number.POSITIVE_INFINITY, 8.64e15, -8.64e15])(
  'the moment %s, which no timestamp can hold, is absent',
  (ms) => {
    expect(dateOf(ms)).toBeUndefined();
  },
);

test('a moment before 1970 is kept to the second', () => {
  expect(dateOf(-1_500)?.getTime()).toBe(-2_000);
  expect(dateOf(1_500)?.getTime()).toBe(1_500);
});
