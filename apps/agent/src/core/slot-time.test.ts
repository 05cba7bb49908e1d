import { expect, test } from 'vitest';
import { advance, slotTime } from './slot-time.ts';

test('every slot is either busy or idle at any time', () => {
  let time = slotTime(2, 1_000);
  time = advance(time, 1, 1_500);
  time = advance(time, 2, 2_500);
  time = advance(time, 0, 3_000);
  expect(time).toMatchObject({ busyMs: 1_000 + 2 * 500, idleMs: 2 * 500 + 1_000 });
});

test('a clock that stands still or runs back adds nothing', () => {
  const time = advance(slotTime(1, 1_000), 1, 1_000);
  expect(advance(time, 1, 900)).toMatchObject({ busyMs: 0, idleMs: 0, sinceMs: 1_000 });
});
