import { ManualClock } from '@podctl/platform/twin/manual-clock.ts';
import { expect, test } from 'vitest';
import { TimeLimit } from './time-limit.ts';

const never = new AbortController().signal;

test('a limit of time does not count what is taken by ourselves, also while it is being taken', async () => {
  const clock = new ManualClock();
  const limit = new TimeLimit(clock, 1_000);
  const first = limit.without(() => clock.sleep(5_000, never));
  await clock.advance(4_000);
  expect(limit.signal.aborted).toBe(false);
  await clock.advance(1_000);
  await first;
  await clock.advance(900);
  const second = limit.without(() => clock.sleep(3_000, never));
  await clock.advance(3_000);
  await second;
  expect(limit.signal.aborted).toBe(false);
  await clock.advance(150);
  expect(limit.signal.aborted).toBe(true);
  expect(clock.sleeping()).toBe(0);
});

test('a limit that is lifted does not pass, and leaves no timer', async () => {
  const clock = new ManualClock();
  const limit = new TimeLimit(clock, 1_000);
  limit.lift();
  await clock.advance(2_000);
  expect(limit.signal.aborted).toBe(false);
  expect(clock.sleeping()).toBe(0);
});
