import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { FetchDeadline } from './fetch-deadline.ts';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

const made = (some = {}) => {
  const pace = { totalMs: 60_000, bytesPerWindowMin: 100, windowMs: 10_000, ...some };
  return new FetchDeadline(pace, (kind) => new Error(kind));
};

test('the whole time is the host’s: what we ourselves wait is not in it', () => {
  const deadline = made();
  vi.advanceTimersByTime(59_000);
  deadline.pause();
  vi.advanceTimersByTime(500_000);
  deadline.resume();
  vi.advanceTimersByTime(999);
  expect(deadline.signal.aborted).toBe(false);
  vi.advanceTimersByTime(1);
  expect(deadline.signal.reason).toMatchObject({ message: 'total' });
  deadline.clear();
});

test('a body that trickles is given up; before it begins, and while we wait, nothing is asked of it', () => {
  const deadline = made();
  vi.advanceTimersByTime(20_000);
  deadline.body();
  deadline.received(100);
  vi.advanceTimersByTime(10_000);
  deadline.pause();
  vi.advanceTimersByTime(30_000);
  deadline.resume();
  deadline.received(1);
  vi.advanceTimersByTime(10_000);
  expect(deadline.signal.aborted).toBe(false);
  deadline.received(99);
  vi.advanceTimersByTime(10_000);
  expect(deadline.signal.reason).toMatchObject({ message: 'trickle' });
  deadline.clear();
});

test('nothing is left behind when it is cleared', () => {
  const deadline = made();
  deadline.body();
  deadline.clear();
  expect(vi.getTimerCount()).toBe(0);
  vi.advanceTimersByTime(500_000);
  expect(deadline.signal.aborted).toBe(false);
});
