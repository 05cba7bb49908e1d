import type { AgentId } from '@podctl/domain/ids.ts';
import { ManualClock } from '@podctl/platform/twin/manual-clock.ts';
import { MemoryLibrary } from '@podctl/platform/twin/memory-library.ts';
import { beforeEach, describe, expect, it } from 'vitest';
import { HandBuiltFleet } from '../../../../test/support/hand-built-fleet.ts';
import { Liveness } from './liveness.ts';

const [a1, a2] = ['a1', 'a2'] as AgentId[] as [AgentId, AgentId];
const LOST_AFTER_MS = 30_000;

const clock = new ManualClock();
const library = new MemoryLibrary('m'.repeat(16), 1, () => 0);

let fleet: HandBuiltFleet;
let liveness: Liveness;
beforeEach(() => {
  fleet = new HandBuiltFleet(clock, library);
  liveness = new Liveness();
});
const silent = (nowMs: number) =>
  liveness
    .silent(fleet.snapshot.sessions.values(), nowMs, LOST_AFTER_MS)
    .map(({ record, session }) => [record.agent, session]);

describe('silence', () => {
  it('is found just after the limit, not at it, and ends with the next word', () => {
    const session = fleet.agent(a1);
    liveness.heard(a1, session, 1_000);
    expect(silent(1_000 + LOST_AFTER_MS)).toEqual([]);
    expect(silent(1_001 + LOST_AFTER_MS)).toEqual([[a1, session]]);
    liveness.heard(a1, session, 1_001 + LOST_AFTER_MS);
    expect(silent(1_002 + LOST_AFTER_MS)).toEqual([]);
  });

  it('of a live session never heard of here begins with the first look', () => {
    const session = fleet.agent(a1);
    expect(silent(5_000_000)).toEqual([]);
    expect(liveness.heardAtMs(a1, session)).toBe(5_000_000);
    expect(silent(5_000_001 + LOST_AFTER_MS)).toEqual([[a1, session]]);
  });

  it('is counted for the session: what an older one said long ago is not held against the new one', () => {
    const old = fleet.agent(a1);
    liveness.heard(a1, old, 0);
    const young = fleet.agent(a1, { boot: 'boot-2' });
    expect(young).toBeGreaterThan(old);
    expect(liveness.heardAtMs(a1, young)).toBeNull();
    expect(silent(LOST_AFTER_MS + 1)).toEqual([]);
    expect(silent(2 * LOST_AFTER_MS + 2)).toEqual([[a1, young]]);
  });

  it('is counted for each agent by itself', () => {
    const [one, two] = [fleet.agent(a1), fleet.agent(a2)];
    liveness.heard(a1, one, 0);
    liveness.heard(a2, two, 20_000);
    expect(silent(LOST_AFTER_MS + 1)).toEqual([[a1, one]]);
  });

  it('of a session that is over says nothing', () => {
    const session = fleet.agent(a1);
    liveness.heard(a1, session, 0);
    fleet.agent(a1, { state: 'lost', session });
    expect(silent(10 * LOST_AFTER_MS)).toEqual([]);
    fleet.agent(a1, { state: 'gone', session });
    expect(silent(20 * LOST_AFTER_MS)).toEqual([]);
  });
});

describe('the absence of the coordinator itself', () => {
  it('moves every deadline by the gap', () => {
    const [one, two] = [fleet.agent(a1), fleet.agent(a2)];
    liveness.heard(a1, one, 0);
    liveness.heard(a2, two, 5_000);
    liveness.shift(100_000);
    expect(silent(100_000 + LOST_AFTER_MS)).toEqual([]);
    expect(silent(100_001 + LOST_AFTER_MS)).toEqual([[a1, one]]);
    expect(silent(105_001 + LOST_AFTER_MS)).toEqual([
      [a1, one],
      [a2, two],
    ]);
  });

  it('before a term: each live session starts anew with it, also with one won again', () => {
    const session = fleet.agent(a1);
    for (const termMs of [1_000_000, 9_000_000]) {
      liveness.beginTerm(fleet.snapshot.sessions.values(), termMs);
      expect(silent(termMs + LOST_AFTER_MS)).toEqual([]);
      expect(silent(termMs + LOST_AFTER_MS + 1)).toEqual([[a1, session]]);
    }
  });

  it('makes nothing known of a session that is over', () => {
    const session = fleet.agent(a1);
    liveness.heard(a1, session, 0);
    fleet.agent(a1, { state: 'gone', session });
    liveness.beginTerm(fleet.snapshot.sessions.values(), 1_000);
    expect(liveness.heardAtMs(a1, session)).toBeNull();
  });
});
