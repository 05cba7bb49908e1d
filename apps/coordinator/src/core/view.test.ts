import { FRESH_LOCK } from '@podctl/domain/episode-state.ts';
import { NO_CHOICES } from '@podctl/domain/feed-choices.ts';
import type { AgentId, EpisodeId, FeedId, Token } from '@podctl/domain/ids.ts';
import type { Stage } from '@podctl/domain/stage.ts';
import { byStage } from '@podctl/domain/stage.ts';
import { ManualClock } from '@podctl/platform/twin/manual-clock.ts';
import { MemoryLibrary } from '@podctl/platform/twin/memory-library.ts';
import { beforeEach, describe, expect, it } from 'vitest';
import { episodeOf, HandBuiltFleet } from '../../../../test/support/hand-built-fleet.ts';
import {
  dead,
  done,
  failed,
  held,
  type StageChange,
  unwanted,
} from '../../../../test/support/stage-change.ts';
import { findEpisodes } from './episode-prefix.ts';
import { stageViews } from './stage-view.ts';
import { emptyTally, sumTallies, type Tally } from './tally.ts';
import { agentViews, feedView, fleetProblem, lockViews, totals } from './view.ts';

const [alpha, beta] = ['alpha', 'beta'] as FeedId[] as [FeedId, FeedId];
const [a1, a2] = ['a1', 'a2'] as AgentId[] as [AgentId, AgentId];
const STALLED_AFTER_MS = 600_000;
const STALE_AFTER_MS = 3_600_000;
const library = new MemoryLibrary('m'.repeat(16), 1, () => 0);

let clock: ManualClock;
let fleet: HandBuiltFleet;
beforeEach(() => {
  clock = new ManualClock(1_700_000_000_000);
  fleet = new HandBuiltFleet(clock, library);
});

const both: StageChange = (state) => done('transcribe')(done('download', 60)(state));

function seen(feed: FeedId) {
  const row = fleet.snapshot.feeds.get(feed);
  if (row === undefined) throw new Error('no such feed');
  return feedView(fleet.picture(), row);
}

function progressed(feed: FeedId, n: number, figure: number, token = 5): void {
  const of = { feed, episode: episodeOf(feed, n), stage: 'download', run: 1 } as const;
  fleet.progress.report(
    { ...of, token: token as Token, phase: 'running', progress: figure },
    clock.monotonicMs(),
  );
}

describe('the state of a feed', () => {
  it('is new until it was read, active while work is left, done after', () => {
    fleet.feed(alpha);
    expect(seen(alpha).state).toBe('new');
    fleet.episode(alpha, 0);
    expect(seen(alpha).state).toBe('active');
    fleet.feed(alpha, { lastSuccessMs: 5 });
    fleet.episode(alpha, 0, done('download'));
    expect(seen(alpha).state).toBe('active');
    fleet.episode(alpha, 0, both);
    expect(seen(alpha).state).toBe('done');
  });

  it('is done when a download was given up, since nothing is left to transcribe', () => {
    fleet.feed(alpha, { lastSuccessMs: 5 });
    fleet.episode(alpha, 0, dead('download', 'x'));
    expect(seen(alpha)).toMatchObject({ state: 'done', tally: { dead: 1 } });
  });

  it('is done with what was given up: nobody works on that', () => {
    fleet.feed(alpha, { lastSuccessMs: 5 });
    fleet.episode(alpha, 0, (state) => dead('transcribe', 'x')(done('download')(state)));
    expect(seen(alpha)).toMatchObject({ state: 'done', tally: { dead: 1 } });
  });

  it('is stalled exactly when nothing moved for as long as allowed, and tells since when', async () => {
    fleet.feed(alpha);
    fleet.episode(alpha, 0);
    const sinceMs = clock.wallMs();
    expect(seen(alpha).stalledSinceMs).toBeNull();
    await clock.advance(STALLED_AFTER_MS - 1);
    expect(seen(alpha)).toMatchObject({ state: 'active', stalledSinceMs: null });
    await clock.advance(1);
    expect(seen(alpha)).toMatchObject({ state: 'stalled', stalledSinceMs: sinceMs });
    progressed(alpha, 0, 0.1);
    expect(seen(alpha)).toMatchObject({ state: 'active', stalledSinceMs: null });
  });

  it('is not stalled when nothing is left, however long it stands still', async () => {
    fleet.feed(alpha, { lastSuccessMs: 5 });
    fleet.episode(alpha, 0, both);
    expect(seen(alpha).state).toBe('done');
    await clock.advance(10 * STALLED_AFTER_MS);
    expect(seen(alpha)).toMatchObject({ state: 'done', stalledSinceMs: null });
  });

  it('begins to be still with its work, not when its last work was done', async () => {
    fleet.feed(alpha, { lastSuccessMs: 5 });
    fleet.episode(alpha, 0);
    seen(alpha);
    fleet.episode(alpha, 0, both);
    await clock.advance(10 * STALLED_AFTER_MS);
    expect(seen(alpha).state).toBe('done');
    fleet.episode(alpha, 1);
    expect(seen(alpha)).toMatchObject({ state: 'active', stalledSinceMs: null });
    await clock.advance(STALLED_AFTER_MS);
    expect(seen(alpha).state).toBe('stalled');
  });

  it('is failing after so many failures in a row, whatever else it is', async () => {
    fleet.feed(alpha, { failures: 2, problem: 'HTTP 500' });
    fleet.episode(alpha, 0);
    expect(seen(alpha)).toMatchObject({ state: 'active', problem: 'HTTP 500' });
    fleet.feed(alpha, { failures: 3 });
    seen(alpha);
    await clock.advance(STALLED_AFTER_MS);
    expect(seen(alpha)).toMatchObject({ state: 'failing' });
  });

  it('that is paused does not stall, and has the whole time again when it goes on', async () => {
    fleet.episode(alpha, 0);
    fleet.feed(alpha, { lastSuccessMs: 0, choices: { ...NO_CHOICES, paused: true } });
    expect(seen(alpha)).toMatchObject({ state: 'paused' });
    await clock.advance(STALLED_AFTER_MS + 1);
    expect(seen(alpha)).toMatchObject({ state: 'paused', stalledSinceMs: null });
    fleet.feed(alpha, { lastSuccessMs: 0, choices: NO_CHOICES });
    expect(seen(alpha)).toMatchObject({ state: 'active' });
  });

  it('of one whose record was not seen yet shows what is known', () => {
    fleet.episode(alpha, 0);
    expect(seen(alpha)).toMatchObject({
      title: 'alpha',
      url: '',
      state: 'active',
      books: { score: 3, source: 'default' },
      lastSuccessMs: null,
    });
    fleet.feed(alpha, { bookScore: 3, title: 'Alpha!' });
    expect(seen(alpha)).toMatchObject({ title: 'Alpha!', books: { score: 3, source: 'user' } });
  });
});

describe('a lock', () => {
  it('is stale after so long without progress, counted from its last rise', async () => {
    const session = fleet.agent(a1);
    fleet.episode(alpha, 0, held('download', { agent: a1, session, sinceMs: clock.wallMs() }));
    const look = () => lockViews(fleet.picture())[0];
    await clock.advance(STALE_AFTER_MS);
    expect(look()).toMatchObject({ stale: false, progress: 0, lastProgressMs: null });
    await clock.advance(1);
    expect(look()).toMatchObject({ stale: true });
    progressed(alpha, 0, 0.4);
    const movedMs = clock.wallMs();
    expect(look()).toMatchObject({ stale: false, progress: 0.4, lastProgressMs: movedMs });
    await clock.advance(STALE_AFTER_MS + 1);
    expect(look()).toMatchObject({ stale: true, progress: 0.4, lastProgressMs: movedMs });
  });

  it('shows no progress of an older token', () => {
    const session = fleet.agent(a1);
    progressed(alpha, 0, 0.9, 4);
    fleet.episode(alpha, 0, held('download', { agent: a1, session, token: 5 }));
    expect(lockViews(fleet.picture())[0]).toMatchObject({ progress: 0, lastProgressMs: null });
  });

  it('stands in order of feed, episode and stage', () => {
    const session = fleet.agent(a1);
    for (const feed of [beta, alpha])
      for (const n of [0, 1, 2]) fleet.episode(feed, n, held('download', { agent: a1, session }));
    const order = lockViews(fleet.picture()).map(({ feed, episode }) => `${feed}.${episode}`);
    expect(order).toEqual([...order].sort());
    expect(order).toHaveLength(6);
  });
});

describe('an agent', () => {
  it('shows its jobs, its last word and its complaint, those of its session only', async () => {
    const old = fleet.agent(a1);
    fleet.reports.set(a1, { session: old, engine: 'old engine', problem: 'old problem' });
    fleet.liveness.heard(a1, old, 0);
    const session = fleet.agent(a1, { boot: 'boot-2' });
    fleet.agent(a2);
    const id = fleet.episode(alpha, 0, held('download', { agent: a1, session }));
    const look = () => agentViews(fleet.picture());
    expect(look().map(({ record }) => record.agent)).toEqual([a1, a2]);
    expect(look()[0]).toMatchObject({ session, problem: '', lastHeartbeatMs: null });
    expect(look()[0]?.engine).toBe('faster-whisper tiny.en int8 cpu');
    expect(look()[0]?.jobs.map(({ episode }) => episode)).toEqual([id]);
    expect(look()[1]?.jobs).toEqual([]);
    await clock.advance(5_000);
    fleet.liveness.heard(a1, session, clock.monotonicMs());
    fleet.reports.set(a1, { session, engine: 'cuda', problem: 'disk full' });
    await clock.advance(2_000);
    const lastHeartbeatMs = clock.wallMs() - 2_000;
    expect(look()[0]).toMatchObject({ engine: 'cuda', problem: 'disk full', lastHeartbeatMs });
  });

  it('drains when its newest heartbeat says so, which is no problem', () => {
    const session = fleet.agent(a1);
    fleet.reports.set(a1, { session: session - 1, engine: '', problem: null, draining: true });
    expect(agentViews(fleet.picture())[0]?.word).toBe('live');
    fleet.reports.set(a1, { session, engine: '', problem: null, draining: true });
    expect(agentViews(fleet.picture())[0]).toMatchObject({ word: 'draining', problem: '' });
  });

  it('says what people decided about it, also when it is away', () => {
    const word = () => agentViews(fleet.picture())[0]?.word;
    const session = fleet.agent(a1);
    for (const kind of ['cordoned', 'draining', 'drained'] as const) {
      fleet.cordon(a1, { kind, reason: 'new disk' });
      expect(word()).toBe(kind);
      const { agentsLive, agentsCordoned, agentsDraining } = totals(fleet.picture());
      expect(agentsLive).toBe(1);
      expect([agentsCordoned, agentsDraining]).toEqual(kind === 'draining' ? [0, 1] : [1, 0]);
    }
    expect(fleetProblem(fleet.picture())).toContain('agent a1 takes no work: it is drained');
    fleet.agent(a2);
    expect(fleetProblem(fleet.picture())).toBe('');
    fleet.agent(a1, { state: 'lost', session });
    expect(agentViews(fleet.picture())[0]).toMatchObject({
      ...{ word: 'lost', cordon: { kind: 'drained', reason: 'new disk' } },
    });
    fleet.cordon(a1, { kind: 'open' });
    expect(agentViews(fleet.picture())[0]).toMatchObject({ word: 'lost', cordon: null });
  });

  it('tells of a transcription how long its audio is', () => {
    const session = fleet.agent(a1);
    const hold = (stage: Stage) => held(stage, { agent: a1, session });
    fleet.episode(alpha, 0, (state) => hold('transcribe')(done('download', 90)(state)));
    fleet.episode(alpha, 1, hold('download'));
    const jobs = agentViews(fleet.picture())[0]?.jobs ?? [];
    const seconds = Object.fromEntries(
      jobs.map(({ stage, audioSeconds }) => [stage, audioSeconds]),
    );
    expect(seconds).toEqual({ transcribe: 90, download: null });
  });

  it('has no job any more once that is committed', () => {
    const session = fleet.agent(a1);
    fleet.episode(alpha, 0, committed(session));
    expect(lockViews(fleet.picture())).toHaveLength(1);
    expect(agentViews(fleet.picture())[0]?.jobs).toEqual([]);
  });
});

describe('the totals', () => {
  it('are the sum over the feeds, at the time and revision of the same snapshot', () => {
    const session = fleet.agent(a1);
    fleet.agent(a2, { state: 'lost', session: 1 });
    fleet.feed(alpha, { lastSuccessMs: 5 });
    fleet.feed(beta, { failures: 3 });
    fleet.episode(alpha, 0, both);
    fleet.episode(alpha, 1, done('download', 30));
    fleet.episode(alpha, 2, held('download', { agent: a1, session }));
    fleet.episode(beta, 0, dead('download', 'x'));
    fleet.episode(beta, 1, failed('download', 'x', 9));
    const all = totals(fleet.picture());
    const tally: Tally = {
      ...emptyTally(),
      episodes: 5,
      dead: 1,
      ...{ retrying: 1, retryingJobs: 1 },
      audioSeconds: 90,
      audioSecondsTranscribed: 60,
      remaining: { download: 2, transcribe: 3, score: 4 },
      running: { ...byStage(() => 0), download: 1 },
      deadJobs: { ...byStage(() => 0), download: 1 },
      done: { ...byStage(() => 0), download: 2, transcribe: 1 },
    };
    expect(all).toEqual({
      ...{ agentsDraining: 0, agentsCordoned: 0, hostsThrottled: 0, asideLeft: 0 },
      asOfMs: clock.wallMs(),
      revision: fleet.snapshot.revision,
      feeds: 2,
      feedsRead: 1,
      feedsStalled: 0,
      feedsFailing: 1,
      tally,
      agentsLive: 1,
      agentsLost: 1,
      locksStale: 1,
      forecast: { audioSecondsLeft: 135, speedRatio: null, etaSeconds: null },
      jobsWaiting: 4,
    });
    expect(all.tally).toEqual(sumTallies([seen(alpha).tally, seen(beta).tally]));
  });

  it('count the stalled feeds', async () => {
    fleet.feed(alpha);
    fleet.episode(alpha, 0);
    expect(totals(fleet.picture()).feedsStalled).toBe(0);
    await clock.advance(STALLED_AFTER_MS);
    expect(totals(fleet.picture())).toMatchObject({ feedsStalled: 1, feedsRead: 0 });
  });
});

describe('the stages of an episode', () => {
  function words(change: StageChange) {
    fleet.episode(alpha, 0, change);
    const row = fleet.snapshot.feeds.get(alpha)?.episodes.get(episodeOf(alpha, 0));
    if (row === undefined) throw new Error('it was just folded');
    return stageViews(fleet.picture(), row);
  }

  it('have one word each', () => {
    const word = (change: StageChange) => words(change).map((stage) => stage.word);
    expect(word((state) => state)).toEqual(['waiting', 'waiting', 'waiting']);
    expect(word(held('download', { agent: a1, session: 1 }))).toEqual([
      'running',
      'waiting',
      'waiting',
    ]);
    expect(word(committed(1))).toEqual(['publishing', 'waiting', 'waiting']);
    expect(word(done('download'))).toEqual(['done', 'waiting', 'waiting']);
    expect(word(dead('transcribe', 'x'))).toEqual(['done', 'dead', 'waiting']);
    expect(word(unwanted('transcribe', 'skipped'))).toEqual(['done', 'skipped', 'waiting']);
    expect(word(unwanted('transcribe', 'canceled'))).toEqual(['done', 'canceled', 'waiting']);
    expect(word(done('transcribe'))).toEqual(['done', 'done', 'waiting']);
    expect(word(wanted(2))).toEqual(['waiting', 'done', 'waiting']);
  });

  it('say what is not wanted', () => {
    expect(words(wanted(0)).map(({ word }) => word)).toEqual(['not_wanted', 'waiting', 'waiting']);
  });

  it('tell why one waits or is dead, and how far a running one is', () => {
    expect(words(failed('download', 'HTTP 503', 9))[0]?.reason).toBe('HTTP 503');
    expect(words(dead('download', 'gone for good'))[0]?.reason).toBe('gone for good');
    progressed(alpha, 0, 0.25);
    const [running, waiting] = words(held('download', { agent: a1, session: 1, token: 5 }));
    expect(running).toMatchObject({ reason: '', progress: 0.25 });
    expect(waiting).toMatchObject({ reason: '', progress: 0 });
    expect(words(held('download', { agent: a1, session: 1, token: 6 }))[0]?.progress).toBe(0);
  });
});

describe('finding an episode by the beginning of its id', () => {
  const ids = [0, 1, 2].map((n) => episodeOf(alpha, n));
  const found = (prefix: string) => findEpisodes(fleet.snapshot, prefix).map((row) => row.episode);

  it('gives the one, or two to show that there are several, or none', () => {
    for (const n of [0, 1, 2]) fleet.episode(alpha, n);
    fleet.episode(beta, 0);
    for (const id of ids) expect(found(id.slice(0, 8))).toEqual([id]);
    expect(found('')).toHaveLength(2);
    expect(found('1')).toEqual([]);
  });

  it('gives the whole id alone, in whichever feed it stands', () => {
    fleet.episode(alpha, 0);
    const id: EpisodeId = fleet.episode(beta, 5);
    expect(found(id)).toEqual([id]);
  });
});

function committed(session: number): StageChange {
  const manifest = { sha256: '0'.repeat(64), files: 1, bytes: 1, audioSeconds: 1 };
  return (state) => {
    const after = held('download', { agent: a1, session })(state);
    const { lock } = after.stages.download;
    const next =
      lock.state === 'held' ? ({ ...lock, state: 'committed', manifest } as const) : FRESH_LOCK;
    return {
      ...after,
      stages: { ...after.stages, download: { ...after.stages.download, lock: next } },
    };
  };
}

function wanted(runs: number): StageChange {
  return (state) => ({
    ...state,
    stages: { ...state.stages, download: { ...state.stages.download, wanted: runs } },
  });
}

describe('the problem of the fleet', () => {
  const tells = (agent: AgentId, session: number, problem: string | null) =>
    fleet.reports.set(agent, { session, engine: '', problem });

  it('is told when no live agent takes work, and gone as soon as one does', () => {
    expect(fleetProblem(fleet.picture())).toBe('');
    const one = fleet.agent(a1);
    expect(fleetProblem(fleet.picture())).toBe('');
    tells(a1, one, 'its disk is full');
    expect(fleetProblem(fleet.picture())).toBe('agent a1 takes no work: its disk is full');
    const two = fleet.agent(a2);
    tells(a2, two, null);
    expect(fleetProblem(fleet.picture())).toBe('');
  });
});
