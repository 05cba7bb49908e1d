import { describe, expect, test } from 'vitest';
import type { ByteAnswer } from './byte-answer.ts';
import { freshPace, nextStep, type PaceStep, type TransferPace } from './transfer-pace.ts';

const limits = { stuckMs: 1_000, backoffFirstMs: 10, backoffMaxMs: 80 };
const again: ByteAnswer = { kind: 'again', afterMs: null };

/** The steps that follow from answers, `everyMs` apart. */
function play(answers: readonly ByteAnswer[], everyMs = 0): PaceStep[] {
  let pace: TransferPace = freshPace(0);
  return answers.map((answer, i) => {
    const step = nextStep(pace, answer, limits, i * everyMs, 0.5);
    if (step.kind === 'on') pace = step.pace;
    return step;
  });
}
const waits = (steps: readonly PaceStep[]) =>
  steps.map((step) => (step.kind === 'on' ? step.waitMs : step.end));

describe('a transfer', () => {
  test('ends by what no asking again can change', () => {
    for (const kind of ['gone', 'changed', 'missing', 'refused'] as const)
      expect(play([{ kind }])).toEqual([{ kind: 'end', end: kind }]);
    expect(play([{ kind: 'ok' }])).toEqual([{ kind: 'end', end: 'done' }]);
  });

  test('waits longer and longer, at another coordinator each time, and as long as it is told', () => {
    const steps = play([again, again, again, again, again, { kind: 'again', afterMs: 5_000 }]);
    const [first = 0, ...rest] = waits(steps).map(Number);
    expect(rest[0]).toBeGreaterThan(first);
    expect(Math.max(...rest.slice(0, 4))).toBeLessThanOrEqual(80);
    expect(rest.at(-1)).toBe(5_000);
    expect(steps.every((step) => step.kind === 'on' && step.turn)).toBe(true);
  });

  test('goes on at once from a new offset, and starts its count anew', () => {
    const steps = play([again, again, again, { kind: 'offset', offsetBytes: 9 }, again]);
    expect(waits(steps)[3]).toBe(0);
    expect(waits(steps)[4]).toBe(waits(steps)[0]);
  });

  test('is stuck when nothing moved for long, and not because one long piece broke off', () => {
    expect(waits(play([again, again, again, again], 600)).at(-1)).toBe('stuck');
    expect(
      waits(play([again, { kind: 'offset', offsetBytes: 5 }, again, again], 600)),
    ).not.toContain('stuck');
    expect(nextStep(freshPace(0), again, limits, 1e9, 0.5).kind).toBe('on');
  });

  test('that arrives damaged is sent again twice', () => {
    const damaged: ByteAnswer = { kind: 'damaged' };
    expect(waits(play([damaged, damaged, damaged]))).toEqual([0, 0, 'damaged']);
  });

  test('does not spin when a coordinator names one offset for ever', () => {
    const same: ByteAnswer = { kind: 'offset', offsetBytes: 5 };
    expect(waits(play(Array.from({ length: 12 }, () => same))).at(-1)).toBe(80);
  });
});
