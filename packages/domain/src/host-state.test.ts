import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { HostName } from './host-name.ts';
import {
  afterSuccesses,
  afterThrottle,
  allowedNow,
  type HostRules,
  type HostState,
  isCooling,
  limitOf,
} from './host-state.ts';

const host = 'cdn.example.org' as HostName;
const MINUTE_MS = 60_000;
const rules: HostRules = {
  parallelMax: 4,
  limits: { 'slow.example.org': 2, 'cdn.example.org': 8 },
  startsPerSecond: 10,
  coolDownFirstMs: MINUTE_MS,
  coolDownMaxMs: 30 * MINUTE_MS,
};
const told = (startedMs: number, retryAfterMs: number | null = null) => ({
  ...{ startedMs, retryAfterMs, why: 'busy' },
});
function throttled(before: HostState | null, nowMs: number, retryAfterMs: number | null = null) {
  const after = afterThrottle(before, told(nowMs - 1, retryAfterMs), rules, nowMs);
  if (after === null) throw new Error('nothing changed');
  return after;
}

describe('a host that asks for patience', () => {
  test('is left alone 60 s, then twice as long each time, up to 30 min, when it names no time', () => {
    let state: HostState | null = null;
    let nowMs = 0;
    const waits: number[] = [];
    for (let strike = 0; strike < 8; strike += 1) {
      state = throttled(state, nowMs);
      waits.push((state.coolingUntilMs - nowMs) / MINUTE_MS);
      nowMs = state.coolingUntilMs + 2;
    }
    expect(waits).toEqual([1, 2, 4, 8, 16, 30, 30, 30]);
  });

  test('is taken at its word, within a day', () => {
    expect(throttled(null, 0, 5_000).coolingUntilMs).toBe(5_000);
    expect(throttled(null, 0, 40 * MINUTE_MS).coolingUntilMs).toBe(40 * MINUTE_MS);
    expect(throttled(null, 0, 90 * 86_400_000).coolingUntilMs).toBe(86_400_000);
  });

  test('is not asked each second for ever, because it says "1 s" each time', () => {
    const first = throttled(null, 0, 1_000);
    const second = throttled(first, 2_000, 1_000);
    expect(second.coolingUntilMs - 2_000).toBe(MINUTE_MS);
    expect(throttled(second, 100_000, 1_000).coolingUntilMs - 100_000).toBe(2 * MINUTE_MS);
  });

  test('strikes once with the answers to all that ran then, and the longest time counts', () => {
    const first = throttled(null, 10_000);
    expect(afterThrottle(first, told(9_000), rules, 11_000)).toBeNull();
    expect(afterThrottle(first, told(10_000, 1_000), rules, 12_000)).toBeNull();
    expect(afterThrottle(first, told(9_500, 600_000), rules, 12_000)).toEqual({
      ...first,
      coolingUntilMs: 612_000,
    });
  });

  test('gets nothing, then one at a time, then twice as many, and is open at its own limit', () => {
    const cooling = throttled(null, 0);
    expect(allowedNow(host, null, rules, 0)).toBe(8);
    expect(allowedNow(host, cooling, rules, MINUTE_MS - 1)).toBe(0);
    const allowed: number[] = [];
    let state: HostState = cooling;
    while (state.strikes > 0) {
      allowed.push(allowedNow(host, state, rules, MINUTE_MS));
      state = afterSuccesses(state, limitOf(host, rules));
    }
    expect(allowed).toEqual([1, 2, 4]);
    expect(allowedNow(host, state, rules, MINUTE_MS)).toBe(8);
    expect(state).toMatchObject({ coolingUntilMs: 0, why: '' });
    expect(throttled(state, MINUTE_MS).coolingUntilMs).toBe(2 * MINUTE_MS);
  });

  test('is open again after a day, and begins anew then', () => {
    const state = throttled(throttled(null, 0), 90_000);
    const dayMs = 86_400_000;
    expect(allowedNow(host, state, rules, state.coolingUntilMs + dayMs - 1)).toBe(1);
    expect(allowedNow(host, state, rules, state.coolingUntilMs + dayMs)).toBe(8);
    expect(throttled(state, state.coolingUntilMs + dayMs).strikes).toBe(1);
  });

  test('is open again some time, too, where there is no limit', () => {
    const unlimited = { ...rules, parallelMax: Number.POSITIVE_INFINITY, limits: {} };
    let state: HostState = throttled(null, 0);
    for (let rises = 0; rises < 4; rises += 1)
      state = afterSuccesses(state, limitOf(host, unlimited));
    expect(state.strikes).toBe(0);
  });
});

test('a host has its own limit, and no other one has it', () => {
  expect(limitOf('slow.example.org' as HostName, rules)).toBe(2);
  expect(limitOf('a.slow.example.org' as HostName, rules)).toBe(4);
  expect(limitOf('constructor' as HostName, rules)).toBe(4);
});

const raised = (state: HostState | null, most: number) =>
  state !== null && state.strikes > 0 ? afterSuccesses(state, most) : state;

test('whatever a host answers, nobody waits longer than a day, nor is it given more than its limit', () => {
  const steps = fc.array(
    fc.record({
      throttles: fc.boolean(),
      startedAgoMs: fc.nat(1_000_000),
      passMs: fc.nat(3_000_000),
      retryAfterMs: fc.option(fc.double({ min: 0, noNaN: true })),
    }),
    { maxLength: 30 },
  );
  fc.assert(
    fc.property(steps, fc.integer({ min: 1, max: 40 }), (all, parallelMax) => {
      const given = { ...rules, parallelMax, limits: {} };
      let state: HostState | null = null;
      let nowMs = 1_000_000;
      for (const { throttles, startedAgoMs, passMs, retryAfterMs } of all) {
        nowMs += passMs;
        const answer = told(nowMs - startedAgoMs, retryAfterMs);
        state = throttles
          ? (afterThrottle(state, answer, given, nowMs) ?? state)
          : raised(state, parallelMax);
        const allowed = allowedNow(host, state, given, nowMs);
        expect(allowed).toBeLessThanOrEqual(parallelMax);
        if (state === null) continue;
        expect(allowed === 0).toBe(isCooling(state, nowMs));
        expect(state.coolingUntilMs).toBeLessThanOrEqual(nowMs + 86_400_000);
        expect(Number.isSafeInteger(state.coolingUntilMs)).toBe(true);
      }
    }),
    { numRuns: 200 },
  );
});
