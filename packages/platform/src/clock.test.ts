import { getEventListeners } from 'node:events';
import { expect, test } from 'vitest';
import { systemClock } from './clock.ts';

test('a sleep ends at its time, or at once with the reason of its signal, and leaves no listener', async () => {
  const { signal } = new AbortController();
  const startMs = systemClock.monotonicMs();
  await systemClock.sleep(5, signal);
  expect(systemClock.monotonicMs() - startMs).toBeGreaterThan(3);
  expect(getEventListeners(signal, 'abort')).toHaveLength(0);
  const ending = new AbortController();
  const slept = systemClock.sleep(60_000, ending.signal);
  const reason = new Error('enough');
  ending.abort(reason);
  await expect(slept).rejects.toBe(reason);
  await expect(systemClock.sleep(60_000, ending.signal)).rejects.toBe(reason);
});
