import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { beginWatch, look, moved } from './watched-time.ts';

describe('watched time', () => {
  it('counts what goes by between looks', () => {
    const time = [1_000, 2_000, 3_000].reduce((at, ms) => look(at, ms, 1_000), beginWatch(0));
    expect(time).toEqual({ atMs: 3_000, totalMs: 3_000, quietMs: 3_000 });
  });

  it('counts two ticks of a gap in which we were stopped ourselves', () => {
    expect(look(beginWatch(0), 3_600_000, 1_000).quietMs).toBe(2_000);
  });

  it('counts two ticks of a gap that ends with a sign of what is watched', () => {
    expect(moved(beginWatch(0), 3_600_000, 1_000)).toEqual({
      atMs: 3_600_000,
      totalMs: 2_000,
      quietMs: 0,
    });
  });

  it('is quiet from the last sign on', () => {
    const time = moved(look(beginWatch(0), 1_000, 1_000), 1_500, 1_000);
    expect(look(time, 2_000, 1_000)).toEqual({ atMs: 2_000, totalMs: 2_000, quietMs: 500 });
  });

  it('never counts more than went by, nor backwards', () => {
    fc.assert(
      fc.property(fc.array(fc.nat(10_000)), (times) => {
        const end = times.reduce((at, ms) => look(at, ms, 1_000), beginWatch(0));
        expect(end.totalMs).toBeLessThanOrEqual(Math.max(0, ...times));
      }),
      { numRuns: 200 },
    );
  });
});
