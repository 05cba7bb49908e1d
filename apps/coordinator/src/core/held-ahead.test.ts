import { NO_CHOICES } from '@podctl/domain/feed-choices.ts';
import type { AgentId, EpisodeId, FeedId } from '@podctl/domain/ids.ts';
import { ManualClock } from '@podctl/platform/twin/manual-clock.ts';
import { MemoryLibrary } from '@podctl/platform/twin/memory-library.ts';
import { beforeEach, expect, test } from 'vitest';
import { HandBuiltFleet } from '../../../../test/support/hand-built-fleet.ts';
import { done, held } from '../../../../test/support/stage-change.ts';
import { locksHeldAhead, releases } from './held-ahead.ts';
import { type PlanLimits, wholePlan } from './plan.ts';
import { planView } from './plan-view.ts';
import { lockViews } from './view.ts';

const alpha = 'alpha' as FeedId;
const [a1, a2] = ['a1', 'a2'] as AgentId[] as [AgentId, AgentId];
const LIMITS: PlanLimits = {
  downloadsMax: 30,
  transcribersMax: 'auto',
  multiWorkerMinEpisodes: 50,
  feedShareMax: 1,
};
const SLOTS = { slots: { download: 0, transcribe: 1 } };
const library = new MemoryLibrary('m'.repeat(16), 1, () => 0);

let fleet: HandBuiltFleet;
let session: number;
beforeEach(() => {
  fleet = new HandBuiltFleet(new ManualClock(), library);
  fleet.feed(alpha);
  session = fleet.agent(a1, SLOTS);
});

/** Held by a1, in order. */
function hold(n: number): EpisodeId {
  const id = fleet.episode(alpha, n, done('download', 60));
  return fleet.episode(alpha, n, held('transcribe', { agent: a1, session })) ?? id;
}

function told(limits: PlanLimits = LIMITS) {
  const view = planView(fleet.snapshot, fleet.reports, 1_000);
  const made = wholePlan(view, limits);
  const ahead = locksHeldAhead(fleet.snapshot);
  return releases(fleet.snapshot, ahead, { ...made, view, limits }).map(
    ({ row, reason }) => `${row.episode}: ${reason}`,
  );
}

test('the newest of what an agent holds beyond its slots waits, and does not count as running', () => {
  const [, second] = [hold(1), hold(2)];
  expect([...locksHeldAhead(fleet.snapshot)]).toMatchObject([[a1, [{ episode: second }]]]);
  const view = planView(fleet.snapshot, fleet.reports, 1_000);
  expect(view).toMatchObject({
    running: { transcribe: 1 },
    agents: [{ running: { transcribe: 1 } }],
  });
  expect(told()).toEqual([]);
});

test('it is shown as waiting before its agent says so', () => {
  const [first, second] = [hold(1), hold(2)];
  const shown = new Map(
    lockViews(fleet.picture()).map(({ episode, waiting }) => [episode, waiting]),
  );
  expect([shown.get(first), shown.get(second)]).toEqual([false, true]);
});

test('what waits is asked back for an agent that is free for it', () => {
  const [, second] = [hold(1), hold(2)];
  fleet.agent(a2, SLOTS);
  expect(told()).toEqual([`${second}: another agent is free for it`]);
});

test('nothing is asked back for an agent that other work keeps busy', () => {
  hold(1);
  hold(2);
  fleet.agent(a2, SLOTS);
  fleet.episode(alpha, 3, done('download', 60));
  expect(told()).toEqual([]);
});

test('nothing is asked back for an agent that the fleet’s maximum keeps free', () => {
  hold(1);
  hold(2);
  fleet.agent(a2, SLOTS);
  expect(told({ ...LIMITS, transcribersMax: 1 })).toEqual([]);
});

test('what waits is asked back from an agent that is cordoned, and of a feed that is paused', () => {
  const [, second] = [hold(1), hold(2)];
  fleet.feed(alpha, { choices: { ...NO_CHOICES, paused: true } });
  expect(told()).toEqual([`${second}: its feed is to begin nothing`]);
});

test('what waits gives way to what somebody asked for, and that to nothing', () => {
  const [, second] = [hold(1), hold(2)];
  const asked = fleet.episode(alpha, 3, done('download', 60));
  fleet.feed(alpha, { choices: { ...NO_CHOICES, first: [asked] } });
  expect(told()).toEqual([`${second}: what somebody asked for goes before it`]);
  fleet.feed(alpha, { choices: { ...NO_CHOICES, first: [second] } });
  expect(told()).toEqual([]);
});
