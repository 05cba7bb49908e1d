import { describe, expect, test } from 'vitest';
import { ManualClock } from './manual-clock.ts';

const never = new AbortController().signal;

describe('virtual time', () => {
  test('wakes sleepers in order of their times, and at their times', async () => {
    const clock = new ManualClock(1_000);
    const woken: string[] = [];
    const sleep = async (name: string, ms: number) => {
      await clock.sleep(ms, never);
      woken.push(`${name} ${clock.monotonicMs()} ${clock.wallMs()}`);
    };
    const all = [sleep('late', 30), sleep('early', 10), sleep('also early', 10)];
    await clock.advance(29);
    expect(woken).toEqual(['early 10 1010', 'also early 10 1010']);
    await clock.advance(1);
    expect(woken).toHaveLength(3);
    await Promise.all(all);
  });

  test('lets a sleeper sleep again within one advance', async () => {
    const clock = new ManualClock();
    let laps = 0;
    const run = async () => {
      while (laps < 5) {
        await clock.sleep(10, never);
        laps += 1;
      }
    };
    const running = run();
    await clock.advance(50);
    expect(laps).toBe(5);
    await running;
  });

  test('an aborted sleeper rejects with the reason and is forgotten', async () => {
    const clock = new ManualClock();
    const stop = new AbortController();
    const asleep = clock.sleep(10, stop.signal);
    const reason = new Error('enough');
    stop.abort(reason);
    await expect(asleep).rejects.toBe(reason);
    await expect(clock.sleep(10, stop.signal)).rejects.toBe(reason);
    expect(clock.sleeping()).toBe(0);
  });

  test('a jump of the wall clock wakes nobody', async () => {
    const clock = new ManualClock(0);
    const stop = new AbortController();
    const asleep = clock.sleep(10, stop.signal);
    clock.jumpWall(1_000_000);
    await clock.advance(9);
    expect([clock.sleeping(), clock.wallMs(), clock.monotonicMs()]).toEqual([1, 1_000_009, 9]);
    await clock.advance(1);
    await asleep;
  });
});
