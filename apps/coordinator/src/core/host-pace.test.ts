import type { HostName } from '@podctl/domain/host-name.ts';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { HostPace } from './host-pace.ts';

const [a, b] = ['a.example', 'b.example'] as HostName[] as [HostName, HostName];

it('gives a second’s starts at once, then one by one, to each host by itself', () => {
  const pace = new HostPace(5);
  for (let i = 0; i < 5; i += 1) pace.began(a, 1_000);
  expect(pace.left(a, 1_000)).toBe(0);
  expect(pace.left(b, 1_000)).toBe(5);
  expect(pace.left(a, 1_199)).toBe(0);
  expect(pace.left(a, 1_200)).toBe(1);
  expect(pace.left(a, 9_000)).toBe(5);
});

it('a clock that goes back gives nothing', () => {
  const pace = new HostPace(2);
  pace.began(a, 10_000);
  pace.began(a, 10_000);
  expect(pace.left(a, 5_000)).toBe(0);
});

it('without a limit there is always one left', () => {
  const pace = new HostPace(Number.POSITIVE_INFINITY);
  pace.began(a, 0);
  expect(pace.left(a, 0)).toBe(Number.POSITIVE_INFINITY);
});

/** Whether more begin from the first one on than a second's starts and what the time brings. */
const tooMany = (starts: readonly number[], perSecond: number) =>
  starts.some((atMs, i) => i + 1 > perSecond * (1 + (atMs - (starts[0] ?? 0)) / 1_000) + 1e-6);

it('in no stretch of time begin more than a second’s starts and what the time brings', () => {
  const passes = fc.array(fc.nat(700), { minLength: 1, maxLength: 60 });
  fc.assert(
    fc.property(passes, fc.integer({ min: 1, max: 8 }), (all, perSecond) => {
      const pace = new HostPace(perSecond);
      const starts: number[] = [];
      let nowMs = 0;
      for (const passMs of all) {
        nowMs += passMs;
        if (pace.left(a, nowMs) < 1) continue;
        pace.began(a, nowMs);
        starts.push(nowMs);
      }
      expect(starts.some((_, first) => tooMany(starts.slice(first), perSecond))).toBe(false);
    }),
    { numRuns: 100 },
  );
});
