import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { doubt, learn, slowestOf, UNMEASURED } from './engine-speed.ts';
import { timeLimits } from './time-limits.ts';

const at = (speed: number) => learn(UNMEASURED, { speechSeconds: 1_000 * speed, elapsedMs: 1e6 });
const HOUR = { audioSeconds: 3_600, batchSize: 8 };

describe('the time limits of a request', () => {
  it('are ten times what an engine of this speed needs, and told of at three times', () => {
    expect(timeLimits(at(2), HOUR)).toEqual({
      softMs: 3 * 1_800_000,
      hardMs: 10 * 1_800_000,
      quietMs: 3 * 120_000,
    });
  });

  it('are never less than ten minutes in all and one minute without a position', () => {
    const { hardMs, quietMs } = timeLimits(at(100), { audioSeconds: 60, batchSize: 8 });
    expect([hardMs, quietMs]).toEqual([600_000, 60_000]);
  });

  it('wait 20 hours for an hour of audio before anything is measured', () => {
    expect(timeLimits(UNMEASURED, HOUR)).toEqual({
      softMs: 4 * 3_600_000,
      hardMs: 20 * 3_600_000,
      quietMs: 4_800_000,
    });
  });

  it('have no end in all where nobody knows the length', () => {
    const limits = timeLimits(at(2), { ...HOUR, audioSeconds: null });
    expect(limits).toMatchObject({ softMs: null, hardMs: null, quietMs: 360_000 });
  });

  it('never end an engine that is eight times slower than it ever was', () => {
    const speeds = fc.array(fc.double({ min: 0.05, max: 300, noNaN: true }), { minLength: 1 });
    fc.assert(
      fc.property(speeds, fc.integer({ min: 1, max: 36_000 }), (seen, audioSeconds) => {
        const speed = seen.reduce(
          (all, each) => learn(all, { speechSeconds: each * 100, elapsedMs: 100_000 }),
          UNMEASURED,
        );
        const { hardMs } = timeLimits(speed, { audioSeconds, batchSize: 8 });
        const kept = seen.slice(-8).filter((each) => each * 100 >= 20);
        const slowest = kept.length === 0 ? 0.05 : Math.min(...kept);
        const neededMs = (audioSeconds * 1_000) / slowest;
        expect(hardMs).toBeGreaterThanOrEqual(kept.length === 0 ? neededMs : 8 * neededMs);
      }),
      { numRuns: 300 },
    );
  });
});

describe('the speed of an engine', () => {
  it('is that of the slowest of its last eight jobs', () => {
    const fast = Array.from({ length: 8 }, () => ({ speechSeconds: 400, elapsedMs: 10_000 }));
    const jobs = [{ speechSeconds: 100, elapsedMs: 100_000 }, ...fast];
    expect(slowestOf(jobs.slice(0, 8).reduce(learn, UNMEASURED))).toBe(1);
    expect(slowestOf(jobs.reduce(learn, UNMEASURED))).toBe(40);
  });

  it('is not told by silence, nor by a few seconds of speech', () => {
    expect(learn(UNMEASURED, { speechSeconds: 5, elapsedMs: 1_000 })).toBe(UNMEASURED);
  });

  it('is doubted after a limit, so that the next try has four times as long', () => {
    expect(slowestOf(doubt(at(2)))).toBe(0.5);
    expect(doubt(UNMEASURED)).toBe(UNMEASURED);
  });
});
