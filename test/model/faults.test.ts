import { describe, expect, it } from 'vitest';
import { explore } from './checker.ts';
import { ALL_FAULTS, FAULTS, HOLES, isFaultName } from './faults.ts';
import { INVARIANTS } from './invariants.ts';
import { protocol } from './protocol.ts';
import { WORLDS, worldNamed } from './worlds.ts';

const TIMEOUT_MS = 60_000;

function sentences(faults: object) {
  return Object.keys(faults)
    .filter(isFaultName)
    .map((name) => ({ name, ...ALL_FAULTS[name] }));
}

describe.each([
  ['a planted fault is caught', sentences(FAULTS)],
  ['a reading to the letter leaves a hole', sentences(HOLES)],
])('%s', (_, faults) => {
  it.each(faults)('$name: $sentence', { timeout: TIMEOUT_MS }, ({ name, world, breaks }) => {
    const outcome = explore(protocol(worldNamed(world), name));
    expect(outcome.broken, outcome.trace.join('\n')).toBe(INVARIANTS[breaks]);
    expect(outcome.trace.length).toBeGreaterThan(2);
  });
});

describe('revisions that begin above all of the old world after a restore', () => {
  it('keep accepted names apart too, cluster.id in them or not', { timeout: TIMEOUT_MS }, () => {
    const { restore } = WORLDS;
    const fault = 'accepted-name-without-cluster';
    expect(explore(protocol(restore, fault)).broken).not.toBeNull();
    expect(explore(protocol({ ...restore, numbersRise: true }, fault)).broken).toBeNull();
  });
});

describe('the sentences', () => {
  it('are all broken by some fault: none is checked in vain', () => {
    const broken = new Set<string>(Object.values(ALL_FAULTS).map(({ breaks }) => breaks));
    expect(Object.keys(INVARIANTS).filter((name) => !broken.has(name))).toEqual([]);
  });
});
