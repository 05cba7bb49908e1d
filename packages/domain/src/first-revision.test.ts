import { expect, test } from 'vitest';
import { FIRST_REVISION_MAX, firstRevision } from './first-revision.ts';

const NOW_MS = Date.UTC(2026, 10, 23);

test('a state made a second later begins above whatever a server can have written meanwhile', () => {
  expect(firstRevision(NOW_MS + 1_000) - firstRevision(NOW_MS)).toBeGreaterThan(2 * 42_000);
});

test('its number is a safe integer of at most fifteen digits, until 2300 and beyond', () => {
  expect(firstRevision(NOW_MS)).toBe(5_970_240_000_000);
  expect(String(firstRevision(Date.UTC(2300, 0)))).toHaveLength(15);
  expect(FIRST_REVISION_MAX).toBeLessThan(Number.MAX_SAFE_INTEGER);
});

test.each([
  ['a clock that is wrong does not go below what is known', 0, 7_000, 1_000_007_000],
  ['nothing known and a clock before the origin begin at 1', 0, 0, 1],
  ['a right clock wins over a small number', NOW_MS, 12, 5_970_240_000_000],
])('%s', (_claim, nowMs, above, expected) => {
  expect(firstRevision(nowMs, above)).toBe(expected);
});

test('a number that folders have no room for is refused', () => {
  expect(() => firstRevision(NOW_MS, FIRST_REVISION_MAX)).toThrow(/clock/);
});
