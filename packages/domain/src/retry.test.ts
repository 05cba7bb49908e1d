import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { HeldLock } from './episode-state.ts';
import type { AgentId, Epoch, Nonce, SessionId, Token } from './ids.ts';
import { afterAttempt, backoffMs, isCanary, type RetryLimits } from './retry.ts';

const limits: RetryLimits = {
  failuresMax: 5,
  lossesMax: 3,
  backoffFirstMs: 60_000,
  backoffMaxMs: 1_800_000,
};
const nowMs = 1_700_000_000_000;
const unit = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true });

function heldBy(agent: string, tries: { failures?: number; lostBy?: string[] } = {}): HeldLock {
  return {
    state: 'held',
    run: 4,
    token: 7 as Token,
    agent: agent as AgentId,
    session: 3 as SessionId,
    epoch: 2 as Epoch,
    nonce: 'a'.repeat(16) as Nonce,
    sinceMs: nowMs - 1000,
    failures: tries.failures ?? 0,
    lostBy: (tries.lostBy ?? []) as AgentId[],
  };
}

const failed = { kind: 'failed', reason: 'HTTP 503', retryAfterMs: null, final: false } as const;
const lost = { kind: 'lost' } as const;

describe('back-off', () => {
  it('doubles from the first wait to the longest and no further', () => {
    const waits = [1, 2, 3, 4, 5, 6, 7, 50, 10_000].map((n) => backoffMs(n, limits, 0.5));
    expect(waits).toEqual([60, 120, 240, 480, 960, 1800, 1800, 1800, 1800].map((s) => s * 1000));
  });

  it('is a whole number of milliseconds within 25 % of that, whatever the jitter', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 2 ** 31 }), unit, (failures, random) => {
        const middle = backoffMs(failures, limits, 0.5);
        const waitMs = backoffMs(failures, limits, random);
        expect(Number.isSafeInteger(waitMs)).toBe(true);
        expect(waitMs).toBeGreaterThanOrEqual(Math.floor(middle * 0.75));
        expect(waitMs).toBeLessThanOrEqual(Math.ceil(middle * 1.25));
        expect(middle).toBeGreaterThanOrEqual(limits.backoffFirstMs);
        expect(middle).toBeLessThanOrEqual(limits.backoffMaxMs);
      }),
    );
  });

  it('never gets shorter with one more failure, for the same jitter', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 100 }), unit, (failures, random) => {
        expect(backoffMs(failures + 1, limits, random)).toBeGreaterThanOrEqual(
          backoffMs(failures, limits, random),
        );
      }),
    );
  });

  it('spreads jobs that failed together over half of the wait', () => {
    expect(backoffMs(1, limits, 0)).toBe(45_000);
    expect(backoffMs(1, limits, 0.999_999)).toBe(75_000);
  });
});

describe('after an attempt without a result', () => {
  it('a failure is counted, and the next attempt waits for the back-off', () => {
    expect(afterAttempt(heldBy('a', { failures: 1 }), failed, limits, nowMs, 0.5)).toEqual({
      state: 'free',
      failures: 2,
      lostBy: [],
      notBeforeMs: nowMs + 120_000,
      reason: 'HTTP 503',
    });
  });

  it('what the host asks for in Retry-After is obeyed when it is longer, not when it is shorter', () => {
    const wait = (retryAfterMs: number) => {
      const lock = afterAttempt(heldBy('a'), { ...failed, retryAfterMs }, limits, nowMs, 0.5);
      return lock.state === 'free' ? lock.notBeforeMs - nowMs : null;
    };
    expect(wait(3_600_000)).toBe(3_600_000);
    expect(wait(1_000)).toBe(60_000);
  });

  it('the last failure allowed is the dead one, and so is one that no retry can help', () => {
    const dead = (failures: number, final: boolean) =>
      afterAttempt(heldBy('a', { failures }), { ...failed, final }, limits, nowMs, 0.5);
    expect(dead(3, false).state).toBe('free');
    expect(dead(4, false)).toEqual({
      state: 'dead',
      run: 4,
      failures: 5,
      lostBy: [],
      reason: 'HTTP 503',
    });
    expect(dead(0, true)).toMatchObject({ state: 'dead', failures: 1, reason: 'HTTP 503' });
  });

  it('losses are counted apart from failures, and a lost job may go to another agent at once', () => {
    expect(afterAttempt(heldBy('a', { failures: 4 }), lost, limits, nowMs, 0.5)).toEqual({
      state: 'free',
      failures: 4,
      lostBy: ['a'],
      notBeforeMs: 0,
      reason: 'agent a was lost',
    });
  });

  it('the third loss is a dead letter that says "kills agents" and which', () => {
    const lock = afterAttempt(heldBy('c', { lostBy: ['a', 'b'] }), lost, limits, nowMs, 0.5);
    expect(lock).toMatchObject({ state: 'dead', run: 4, lostBy: ['a', 'b', 'c'] });
    expect(lock.reason).toMatch(/^kills agents: .*a, b, c/);
  });

  it('a job runs as a canary before it can be dead of losses', () => {
    const lock = afterAttempt(heldBy('b', { lostBy: ['a'] }), lost, limits, nowMs, 0.5);
    expect(lock.state).toBe('free');
    expect(isCanary(lock.lostBy)).toBe(true);
  });

  it('what is handed back unharmed costs nothing and waits for nothing', () => {
    const held = heldBy('a', { failures: 2, lostBy: ['b'] });
    const end = { kind: 'returned', reason: 'agent a said goodbye', retryAfterMs: null } as const;
    expect(afterAttempt(held, end, limits, nowMs, 0.5)).toEqual({
      state: 'free',
      failures: 2,
      lostBy: ['b'],
      notBeforeMs: 0,
      reason: 'agent a said goodbye',
    });
  });

  it.each(['canceled', 'skipped'] as const)(
    'what a person %s is given up, and nothing is counted against it',
    (kind) => {
      const held = heldBy('a', { failures: 2, lostBy: ['b'] });
      const end = { kind, reason: 'ann does not want it' } as const;
      expect(afterAttempt(held, end, limits, nowMs, 0.5)).toEqual({
        state: 'dead',
        run: held.run,
        failures: 2,
        lostBy: ['b'],
        reason: 'ann does not want it',
        ended: kind,
      });
    },
  );
});
