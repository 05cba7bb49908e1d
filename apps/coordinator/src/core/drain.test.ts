import type { AgentId, FeedId } from '@podctl/domain/ids.ts';
import { ManualClock } from '@podctl/platform/twin/manual-clock.ts';
import { MemoryLibrary } from '@podctl/platform/twin/memory-library.ts';
import { beforeEach, describe, expect, it } from 'vitest';
import { HandBuiltFleet } from '../../../../test/support/hand-built-fleet.ts';
import { done, held } from '../../../../test/support/stage-change.ts';
import { drainSteps } from './drain.ts';

const alpha = 'alpha' as FeedId;
const [a1, a2] = ['a1', 'a2'] as AgentId[] as [AgentId, AgentId];
const NOW_MS = 1_000;

let fleet: HandBuiltFleet;
beforeEach(() => {
  fleet = new HandBuiltFleet(new ManualClock(), new MemoryLibrary('m'.repeat(16), 1, () => 0));
  for (const agent of [a1, a2]) {
    const session = fleet.agent(agent);
    fleet.episode(agent as string as FeedId, 0, held('download', { agent, session }));
  }
});
const steps = (nowMs = NOW_MS) => drainSteps(fleet.snapshot, nowMs);

describe('the agents that drain', () => {
  it('are none, where none was asked to: an open or cordoned one keeps what it holds', () => {
    expect(steps()).toEqual([]);
    fleet.cordon(a1, { kind: 'cordoned', deadlineMs: 1 });
    fleet.cordon(a2, { kind: 'open', deadlineMs: 1 });
    expect(steps()).toEqual([]);
  });

  it('keep what they hold until the deadline, and for ever without one', () => {
    fleet.cordon(a1, { kind: 'draining', deadlineMs: NOW_MS + 1 });
    fleet.cordon(a2, { kind: 'draining' });
    expect(steps()).toEqual([]);
    expect(steps(NOW_MS + 1)).toMatchObject([
      { kind: 'take_back', locks: [{ feed: 'a1', lock: { agent: a1 } }] },
    ]);
    expect(steps(Number.MAX_SAFE_INTEGER)).toHaveLength(1);
  });

  it('are drained when they hold nothing, in this session or an older one', () => {
    fleet.cordon(a1, { kind: 'draining' });
    fleet.agent(a1, { boot: 'boot-2' });
    expect(steps()).toEqual([]);
    fleet.episode('a1' as FeedId, 0, done('download'));
    expect(steps()).toMatchObject([{ kind: 'drained', row: { record: { agent: a1 } } }]);
  });

  it('are drained at once when nobody ever saw them', () => {
    fleet.cordon('later' as AgentId, { kind: 'draining', deadlineMs: NOW_MS + 1 });
    expect(steps()).toMatchObject([{ kind: 'drained' }]);
  });

  it('do not keep what reaches them after that', () => {
    fleet.cordon(a1, { kind: 'drained' });
    expect(steps()).toMatchObject([{ kind: 'take_back', reason: 'agent a1 is drained' }]);
    fleet.episode('a1' as FeedId, 0, done('download'));
    fleet.episode(alpha, 0);
    expect(steps()).toEqual([]);
  });
});
