import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { afterDrain, afterWish, type CordonState, type CordonWish, isClosed } from './cordon.ts';

const state = (kind: CordonState['kind'], fields: Partial<CordonState> = {}): CordonState => ({
  ...{ kind, reason: '', by: 'ada', sinceMs: 1, deadlineMs: null },
  ...fields,
});
const cordon = (reason = ''): CordonWish => ({ kind: 'cordon', reason, by: 'bob' });
const uncordon: CordonWish = { kind: 'uncordon', by: 'bob' };
const drain = (deadlineInMs: number | null = null, reason = ''): CordonWish => ({
  ...{ kind: 'drain', reason, by: 'bob', deadlineInMs },
});

describe('a wish about an agent', () => {
  it('closes an open one, also one that nobody ever decided about', () => {
    for (const before of [null, state('open')]) {
      expect(afterWish(before, cordon('new disk'), 9)).toEqual({
        ...{ kind: 'cordoned', reason: 'new disk', by: 'bob', sinceMs: 9, deadlineMs: null },
      });
      expect(afterWish(before, drain(100), 9)).toMatchObject({ kind: 'draining', deadlineMs: 109 });
      expect(afterWish(before, uncordon, 9)).toBeNull();
    }
  });

  it('opens a closed one, and its reason is gone', () => {
    for (const kind of ['cordoned', 'draining', 'drained'] as const)
      expect(afterWish(state(kind, { reason: 'x', deadlineMs: 5 }), uncordon, 9)).toEqual({
        ...{ kind: 'open', reason: '', by: 'bob', sinceMs: 9, deadlineMs: null },
      });
  });

  it('never ends a drain by a cordon', () => {
    const draining = state('draining', { reason: 'x', deadlineMs: 50 });
    expect(afterWish(draining, cordon(), 9)).toBeNull();
    expect(afterWish(draining, cordon('y'), 9)).toEqual({ ...draining, reason: 'y', by: 'bob' });
    expect(afterWish(state('drained'), cordon(), 9)).toBeNull();
    expect(afterWish(state('drained'), drain(5), 9)).toBeNull();
  });

  it('drains a cordoned one from now on, and moves a deadline', () => {
    const cordoned = state('cordoned', { reason: 'x' });
    const draining = { ...cordoned, kind: 'draining', by: 'bob', sinceMs: 9, deadlineMs: 19 };
    expect(afterWish(cordoned, drain(10), 9)).toEqual(draining);
    const moved = afterWish(draining as CordonState, drain(100), 15);
    expect(moved).toEqual({ ...draining, deadlineMs: 115 });
    expect(afterWish(draining as CordonState, drain(null), 15)).toBeNull();
    expect(afterWish(cordoned, drain(null), 9)?.deadlineMs).toBeNull();
  });

  it('that is repeated changes nothing, whatever was before', () => {
    const wishes = fc.constantFrom(cordon(), cordon('x'), uncordon, drain(), drain(7, 'y'));
    const times = fc.integer({ min: 1, max: 1_000 });
    fc.assert(
      fc.property(fc.array(wishes, { maxLength: 6 }), wishes, times, (past, wish, nowMs) => {
        const before = past.reduce(
          (known: CordonState | null, one, i) => afterWish(known, one, i) ?? known,
          null,
        );
        const after = afterWish(before, wish, nowMs) ?? before;
        expect(afterWish(after, wish, nowMs)).toBeNull();
        expect(isClosed(after)).toBe(wish.kind !== 'uncordon');
      }),
    );
  });
});

it('a drain that is over keeps why and by whom, and has no deadline any more', () => {
  const draining = state('draining', { reason: 'x', deadlineMs: 50 });
  expect(afterDrain(draining, 60)).toEqual(state('drained', { reason: 'x', sinceMs: 60 }));
});
