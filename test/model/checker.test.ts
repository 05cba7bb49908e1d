import { describe, expect, it } from 'vitest';
import { type Explorable, explore } from './checker.ts';

/** Counts up to a limit, by one or by two. */
function counter(broken: (after: number) => string | null, limit = 5): Explorable<number> {
  return {
    first: 0,
    name: String,
    steps(state, emit) {
      if (state + 1 <= limit) emit(true, () => `${state} + 1`, state + 1);
      if (state + 2 <= limit) emit(false, () => `${state} + 2`, state + 2);
    },
    broken: (_before, after) => broken(after),
    isSettled: (state) => state === limit,
    progress: 'It comes to its end.',
  };
}

describe('the checker', () => {
  it('visits every state once and every step', () => {
    const outcome = explore(counter(() => null));
    expect(outcome).toEqual({ broken: null, states: 6, steps: 9, trace: [] });
  });

  it('tells a shortest way to what is broken, in words', () => {
    const outcome = explore(counter((after) => (after === 5 ? 'Never five.' : null)));
    expect(outcome.broken).toBe('Never five.');
    expect(outcome.trace).toEqual(['0 + 1', '1 + 2', '3 + 2']);
  });

  it('finds a state from which accidents alone lead to the end', () => {
    const system = counter(() => null);
    const outcome = explore({
      ...system,
      steps(state, emit) {
        system.steps(state, (helps, words, next) => emit(helps && state !== 3, words, next));
      },
      isSettled: (state) => state === 5,
    });
    expect(outcome.broken).toBe('It comes to its end.');
    expect(outcome.trace.at(-1)).toContain('no way leads to the end');
  });

  it('refuses to go on for ever', () => {
    const endless = counter(() => null, Number.POSITIVE_INFINITY);
    expect(() => explore(endless, 1_000)).toThrow('more than 1000 states');
  });
});
