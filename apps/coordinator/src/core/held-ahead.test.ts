import { NO_CHOICES } from '@podctl/domain/feed-choices.ts';
import type { AgentId, EpisodeId, FeedId, Token } from '@podctl/domain/ids.ts';
import { invariant } from '@podctl/domain/result.ts';
import { ManualClock } from '@podctl/platform/twin/manual-clock.ts';
import { MemoryLibrary } from '@podctl/platform/twin/memory-library.ts';
import { beforeEach, expect, test } from 'vitest';
import { HandBuiltFleet } from '../../../../test/support/hand-built-fleet.ts';
import { done, failed, held } from '../../../../test/support/stage-change.ts';
import { locksHeldAhead, releases } from './held-ahead.ts';
import { runningJobs } from './job-view.ts';
import { type PlanLimits, wholePlan } from './plan.ts';
import { planView } from './plan-view.ts';
import { feedView, lockViews, totals } from './view.ts';

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
function hold(n: number, token = 5): EpisodeId {
  const id = fleet.episode(alpha, n, done('download', 60));
  return fleet.episode(alpha, n, held('transcribe', { agent: a1, session, token })) ?? id;
}

function told(limits: PlanLimits = LIMITS, failedWith: readonly AgentId[] = []) {
  const view = planView(fleet.snapshot, fleet.reports, 1_000, () => failedWith);
  const made = wholePlan(view, limits);
  const ahead = locksHeldAhead(fleet.snapshot, fleet.reports);
  return releases(fleet.snapshot, ahead, { ...made, view, limits }).map(
    ({ row, reason }) => `${row.episode}: ${reason}`,
  );
}

test('the newest of what an agent holds beyond its slots waits, and does not count as running', () => {
  const [, second] = [hold(1), hold(2)];
  expect([...locksHeldAhead(fleet.snapshot, fleet.reports)]).toMatchObject([
    [a1, [{ episode: second }]],
  ]);
  const view = planView(fleet.snapshot, fleet.reports, 1_000);
  expect(view).toMatchObject({
    running: { transcribe: 1 },
    agents: [{ running: { transcribe: 1 } }],
  });
  expect(told()).toEqual([]);
});

test('of two that came the other way round the one that its agent has not begun waits', () => {
  const [first, second] = [hold(1, 5), hold(2, 6)];
  fleet.agent(a2, SLOTS);
  const report = { session, engine: '', problem: null };
  fleet.reports.set(a1, { ...report, begun: new Set([6]) });
  expect(told()).toEqual([`${first}: another agent is free for it`]);
  // Of an earlier session it says nothing.
  fleet.reports.set(a1, { ...report, session: session - 1, begun: new Set([6]) });
  expect(told()).toEqual([`${second}: another agent is free for it`]);
});

test('what waits is no worker, nor a job that runs', () => {
  const [, second] = [hold(1), hold(2)];
  const picture = fleet.picture();
  const row = fleet.snapshot.feeds.get(alpha);
  invariant(row !== undefined, 'the feed is there');
  expect(feedView(picture, row).tally.running.transcribe).toBe(1);
  expect(totals(picture).tally.running.transcribe).toBe(1);
  const of = { feed: alpha, episode: second, stage: 'transcribe', run: 1 } as const;
  const progress = { ...of, phase: 'running', token: 5 as Token, progress: 0 } as const;
  fleet.progress.report({ ...progress, waiting: true }, 0);
  const [, waits] = runningJobs(picture);
  expect(waits).toMatchObject({
    episode: second,
    beganMs: null,
    reason: 'held ahead: it begins when its agent has a slot free',
  });
  fleet.progress.report(progress, 0);
  expect(runningJobs(picture)[1]).toMatchObject({ beganMs: expect.any(Number), reason: '' });
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

test('nothing is asked back again and again for what may not be held ahead in its place', () => {
  hold(1);
  hold(2);
  fleet.episode(alpha, 3, done('download', 60));
  const asked = fleet.episode(alpha, 3, failed('transcribe', 'it failed', 0));
  fleet.feed(alpha, { choices: { ...NO_CHOICES, first: [asked] } });
  expect(told(LIMITS, [a1])).toEqual([]);
  expect(told(LIMITS)).toHaveLength(1);
});

test('what waits gives way to what somebody asked for, and that to nothing', () => {
  const [, second] = [hold(1), hold(2)];
  const asked = fleet.episode(alpha, 3, done('download', 60));
  fleet.feed(alpha, { choices: { ...NO_CHOICES, first: [asked] } });
  expect(told()).toEqual([`${second}: what somebody asked for goes before it`]);
  fleet.feed(alpha, { choices: { ...NO_CHOICES, first: [second] } });
  expect(told()).toEqual([]);
});
