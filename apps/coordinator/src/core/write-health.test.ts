import type { CasOutcome } from '@podctl/platform/kv.ts';
import { describe, expect, it } from 'vitest';
import { afterWrite, NO_WRITES_FAILED, writeProblem } from './write-health.ts';

const written: CasOutcome = { kind: 'written', revision: 1 };
const conflict: CasOutcome = { kind: 'conflict' };
const full: CasOutcome = { kind: 'unknown', cause: new Error('insufficient resources') };

/** The health after writes at these times. */
function after(...writes: readonly (readonly [atMs: number, outcome: CasOutcome])[]) {
  return writes.reduce((health, [atMs, outcome]) => afterWrite(health, outcome, atMs), {
    ...NO_WRITES_FAILED,
  });
}

describe('writes that fail', () => {
  it('are a problem when they went on for ten seconds, told with the time since the first and the reason', () => {
    const health = after([1_000, written], [2_000, full], [7_000, full], [12_000, full]);
    expect(writeProblem(health, 14_500)).toBe(
      'the state cannot be written since 10 s: insufficient resources',
    );
    expect(writeProblem(after([2_000, full], [11_999, full]), 14_500)).toBe('');
  });

  it('are over with the first good one, and only with that', () => {
    const trouble = [
      [0, full],
      [10_000, full],
    ] as const;
    expect(writeProblem(after(...trouble, [11_000, conflict]), 12_000)).toContain('since 10 s');
    const over = after(...trouble, [11_000, written]);
    expect(writeProblem(over, 12_000)).toBe('');
    expect(writeProblem(afterWrite(over, full, 20_000), 20_000)).toBe('');
  });

  it('are no problem once: one lost answer, and nothing to write after it', () => {
    expect(writeProblem(after([0, full]), 20_000)).toBe('');
  });

  it('are forgotten as a problem when nobody tries any more', () => {
    const health = after([0, full], [10_000, full]);
    expect(writeProblem(health, 40_000)).toContain('since 40 s');
    expect(writeProblem(health, 40_001)).toBe('');
  });

  it('are counted for good', () => {
    expect(after([0, full], [1, written], [2, full], [3, conflict]).failed).toBe(2);
  });
});
