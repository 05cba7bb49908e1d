import { expect, test } from 'vitest';
import { afterDeath, QUICK_DEATH_MS, QUICK_DEATHS_MAX } from './restart-policy.ts';

test('quick deaths wait twice as long each time, and the fifth is the last', () => {
  const delays: number[] = [];
  let deaths = 0;
  for (let i = 1; i < QUICK_DEATHS_MAX; i += 1) {
    const next = afterDeath(deaths, 10);
    if (next.kind === 'restart') delays.push(next.afterMs);
    deaths = next.quickDeaths;
  }
  expect(delays).toEqual([500, 1_000, 2_000, 4_000]);
  expect(afterDeath(deaths, 10)).toEqual({ kind: 'give-up', quickDeaths: 5 });
});

test('a long life forgives the deaths before it', () => {
  expect(afterDeath(4, QUICK_DEATH_MS)).toEqual({ kind: 'restart', afterMs: 500, quickDeaths: 1 });
});
