import { expect, test } from 'vitest';
import { RateLimit } from './rate-limit.ts';

const rule = { burst: 3, perSecond: 2, keysMax: 100 };

function taken(limit: RateLimit, key: string, nowMs: number, tries = 100): number {
  return Array.from({ length: tries }, () => limit.take(key, nowMs)).filter(Boolean).length;
}

test('a burst is granted, then as many as come back, and never more than a burst', () => {
  const limit = new RateLimit(rule);
  expect(taken(limit, 'a', 0)).toBe(3);
  expect(taken(limit, 'a', 499)).toBe(0);
  expect(taken(limit, 'a', 500)).toBe(1);
  expect(taken(limit, 'a', 1_500)).toBe(2);
  expect(taken(limit, 'a', 1e9)).toBe(3);
});

test('keys do not take from each other, and asking takes nothing', () => {
  const limit = new RateLimit(rule);
  taken(limit, 'a', 0);
  expect([limit.has('a', 0), limit.has('b', 0), limit.has('b', 0)]).toEqual([false, true, true]);
  expect(taken(limit, 'b', 0)).toBe(3);
});

test('however many keys come, so many are remembered: those seen last', () => {
  const limit = new RateLimit({ ...rule, keysMax: 10 });
  taken(limit, 'busy', 0);
  for (let n = 0; n < 10_000; n += 1) {
    limit.take(`made up ${n}`, 0);
    limit.take('busy', 0);
  }
  expect(limit.size).toBe(10);
  expect(limit.has('busy', 0)).toBe(false);
});

test('a clock that was ahead for a while keeps nobody out', () => {
  const limit = new RateLimit(rule);
  limit.take('a', 1e9);
  expect(taken(limit, 'a', 0)).toBe(2);
});
