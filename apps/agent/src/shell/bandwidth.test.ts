import { ManualClock } from '@podctl/platform/twin/manual-clock.ts';
import { describe, expect, test } from 'vitest';
import { Bandwidth } from './bandwidth.ts';

const never = new AbortController().signal;

describe('the bandwidth of an agent', () => {
  test('is shared by its downloads: one waits for the other’s bytes', async () => {
    const clock = new ManualClock();
    const bandwidth = new Bandwidth(clock, 1_000);
    const [first, second] = [bandwidth.pace(500, never), bandwidth.pace(500, never)];
    await clock.advance(500);
    expect(await first).toBe(500);
    await clock.advance(500);
    expect(await second).toBe(1_000);
  });

  test('is the lower of its own and its share of the fleet’s, and none at all by default', async () => {
    const bandwidth = new Bandwidth(new ManualClock(), 1_000);
    bandwidth.setShare(400);
    expect(bandwidth.bytesPerSecondMax).toBe(400);
    bandwidth.setShare(null);
    expect(bandwidth.bytesPerSecondMax).toBe(1_000);
    const free = new Bandwidth(new ManualClock(), null);
    expect(await free.pace(1e12, never)).toBe(0);
  });

  test('is kept however low it is and however many wait, and what is left of a wait is short once it is raised', async () => {
    const clock = new ManualClock();
    const bandwidth = new Bandwidth(clock, null);
    bandwidth.setShare(1_000);
    let paced = 0;
    const chunk = () => bandwidth.pace(64_000, never).then(() => (paced += 1));
    const waits = Promise.all([chunk(), chunk(), chunk()]);
    await clock.advance(63_000);
    expect(paced).toBe(0);
    await clock.advance(65_000);
    expect(paced).toBe(2);
    bandwidth.setShare(1_000_000);
    await clock.advance(6_000);
    expect(paced).toBe(3);
    await waits;
  });

  test('lets go of a wait that is called off', async () => {
    const stop = new AbortController();
    const waiting = new Bandwidth(new ManualClock(), 1).pace(1_000, stop.signal);
    stop.abort(new Error('not held'));
    await expect(waiting).rejects.toThrow('not held');
  });
});
