import { NO_CHOICES } from '@podctl/domain/feed-choices.ts';
import type { FeedRecord } from '@podctl/domain/feed-record.ts';
import type { AgentId, EpisodeId, FeedId } from '@podctl/domain/ids.ts';
import { byStage, type Stage } from '@podctl/domain/stage.ts';
import { ManualClock } from '@podctl/platform/twin/manual-clock.ts';
import { MemoryLibrary } from '@podctl/platform/twin/memory-library.ts';
import fc from 'fast-check';
import { beforeEach, describe, expect, it } from 'vitest';
import { HandBuiltFleet } from '../../../../test/support/hand-built-fleet.ts';
import {
  dead,
  done,
  failed,
  held,
  type StageChange,
} from '../../../../test/support/stage-change.ts';
import { plan } from './plan.ts';
import { planView } from './plan-view.ts';

const [alpha, beta] = ['alpha', 'beta'] as FeedId[] as [FeedId, FeedId];
const [a1, a2] = ['a1', 'a2'] as AgentId[] as [AgentId, AgentId];
const NOW_MS = 1_000;
const PAUSED = { choices: { ...NO_CHOICES, paused: true } };
const library = new MemoryLibrary('m'.repeat(16), 1, () => 0);

let fleet: HandBuiltFleet;
beforeEach(() => {
  fleet = new HandBuiltFleet(new ManualClock(), library);
});
const view = () => planView(fleet.snapshot, fleet.reports, NOW_MS);
const heads = (stage: 'download' | 'transcribe') =>
  view().feeds.flatMap((feed) => [...feed.heads[stage]].map(({ episode }) => episode));

describe('what a feed lists no more', () => {
  it('is downloaded after all that it lists, and transcribed in its turn', () => {
    fleet.agent(a1, { slots: { download: 1, transcribe: 1 } });
    const ids = [0, 1, 2, 3].map((n) => fleet.episode(alpha, n));
    for (const n of [0, 1]) fleet.episode(alpha, n + 4, done('download'));
    const [first, second, third, fourth] = ids as [EpisodeId, EpisodeId, EpisodeId, EpisodeId];
    const row = fleet.snapshot.feeds.get(alpha);
    const ready = heads('transcribe');
    if (row !== undefined) row.vanished = new Set([first, third, ...ready.slice(0, 1)]);
    expect(heads('download')).toEqual([second, fourth, first, third]);
    expect(heads('transcribe')).toEqual(ready);
  });
});

describe('the feeds that a plan looks at', () => {
  it('those that have nothing but scores left are in no order but theirs', () => {
    fleet.agent(a1, { slots: { download: 1, transcribe: 1, score: 1 } });
    fleet.episode(alpha, 0, (state) => done('transcribe')(done('download')(state)));
    fleet.episode(beta, 0, done('download'));
    expect(view().feeds).toMatchObject([
      { feed: alpha, downloads: false, transcriptions: false },
      { feed: beta, downloads: false, transcriptions: true },
    ]);
    const limits = { downloadsMax: 9, multiWorkerMinEpisodes: 50, feedShareMax: 1 };
    expect(plan(view(), { ...limits, transcribersMax: 'auto' })).toMatchObject([
      { feed: beta, stage: 'transcribe' },
      { feed: alpha, stage: 'score' },
    ]);
  });

  it('none, when no agent has a free slot', () => {
    fleet.episode(alpha, 0);
    expect(view()).toMatchObject({ feeds: [], agents: [] });
    const session = fleet.agent(a1, { slots: { download: 1, transcribe: 0 } });
    expect(view().feeds).toHaveLength(1);
    fleet.episode(alpha, 1, held('download', { agent: a1, session }));
    const { feeds, agents } = view();
    expect(feeds).toEqual([]);
    expect(agents).toMatchObject([{ agent: a1, running: { download: 1, transcribe: 0 } }]);
  });

  it('all with something ready that a slot is free for', () => {
    const session = fleet.agent(a1, { slots: { download: 1, transcribe: 1 } });
    fleet.episode(alpha, 0, held('download', { agent: a1, session }));
    fleet.episode(alpha, 1, done('download'));
    fleet.episode(beta, 0, (state) => done('transcribe')(done('download')(state)));
    fleet.feed(alpha, { bookScore: 8 });
    expect(view().feeds).toMatchObject([
      {
        feed: alpha,
        priority: 0,
        urgent: byStage(() => 0),
        bookScore: 8,
        remaining: { download: 1, transcribe: 2, score: 2 },
        running: { ...byStage(() => 0), download: 1 },
      },
    ]);
  });

  it('none of those that are paused or removed', () => {
    fleet.agent(a1);
    fleet.episode(alpha, 0);
    fleet.episode(beta, 0);
    fleet.feed(alpha, { choices: { ...NO_CHOICES, paused: true } });
    expect(view().feeds).toMatchObject([{ feed: beta }]);
    fleet.feed(beta, { removed: true });
    fleet.feed(alpha, { choices: NO_CHOICES });
    expect(view().feeds).toMatchObject([{ feed: alpha }]);
  });

  it('count as book score 3 while nobody knows it', () => {
    fleet.agent(a1);
    fleet.episode(alpha, 0);
    expect(view().feeds[0]?.bookScore).toBe(3);
  });
});

describe('what runs in the fleet', () => {
  const max = { downloadsMax: 3, transcribersMax: 2 } as const;
  const others = { multiWorkerMinEpisodes: 50, feedShareMax: 1 };
  const feeds = fc.array(
    fc.record({
      running: fc.nat(2),
      ready: fc.nat(3),
      change: fc.constantFrom<Partial<FeedRecord>>({}, PAUSED, { removed: true }),
    }),
    { maxLength: 5 },
  );

  /** Each feed has so many running and ready jobs of either stage. */
  function foldAll(rows: typeof feeds extends fc.Arbitrary<infer T> ? T : never): void {
    fleet = new HandBuiltFleet(new ManualClock(), library);
    const session = fleet.agent(a1, { slots: { download: 20, transcribe: 20 } });
    const hold = (stage: Stage) => held(stage, { agent: a1, session });
    rows.forEach(({ running, ready, change }, i) => {
      const feed = `f${i}` as FeedId;
      fleet.feed(feed, change);
      for (let n = 0; n < running + ready; n += 1) {
        const isRunning = n < running;
        fleet.episode(feed, n, isRunning ? hold('download') : undefined);
        fleet.episode(feed, 10 + n, done('download'));
        if (isRunning) fleet.episode(feed, 10 + n, hold('transcribe'));
      }
    });
  }

  it('stays below the maximum, whatever is paused, removed, or has nothing ready', () => {
    fc.assert(
      fc.property(feeds, (rows) => {
        foldAll(rows);
        const running = rows.reduce((sum, row) => sum + row.running, 0);
        expect(view().running).toEqual({ download: running, transcribe: running, score: 0 });
        const given = plan(view(), { ...max, ...others });
        const begun = (stage: Stage) => given.filter((one) => one.stage === stage).length;
        const room = (most: number) => Math.max(0, most - running);
        expect(begun('download')).toBeLessThanOrEqual(room(max.downloadsMax));
        expect(begun('transcribe')).toBeLessThanOrEqual(room(max.transcribersMax));
      }),
      { numRuns: 100 },
    );
  });
});

describe('the heads of a feed', () => {
  beforeEach(() => {
    fleet.agent(a1, { slots: { download: 2, transcribe: 1 } });
  });

  it('are the ready ones with the revision that their CAS will expect', () => {
    const id = fleet.episode(alpha, 0);
    const revision = fleet.snapshot.revision;
    fleet.episode(alpha, 1, dead('download', 'x'));
    expect([...(view().feeds[0]?.heads.download ?? [])]).toEqual([
      { episode: id, revision, lostBy: [] },
    ]);
    expect(heads('transcribe')).toEqual([]);
  });

  it('are those that somebody asked for first, then the others, each once', () => {
    const ids = [0, 1, 2].map((n) => fleet.episode(alpha, n));
    const ended = fleet.episode(alpha, 3, dead('download', 'x'));
    const first = [ended, ...ids.slice(1).reverse()];
    fleet.feed(alpha, { choices: { ...NO_CHOICES, first } });
    expect(heads('download')).toEqual([ids[2], ids[1], ids[0]]);
    expect(view().feeds).toMatchObject([{ urgent: { download: 2, transcribe: 0 } }]);
  });

  it('wait until their back-off is over', () => {
    const ids = [NOW_MS - 1, NOW_MS, NOW_MS + 1].map((at, n) =>
      fleet.episode(alpha, n, failed('download', 'x', at)),
    );
    expect(heads('download')).toEqual(ids.slice(0, 2));
  });

  it('that wait for their back-off do not stand before those that may go', () => {
    for (let n = 0; n < 10; n += 1) fleet.episode(alpha, n, failed('download', 'x', NOW_MS + 1));
    const id = fleet.episode(alpha, 10);
    expect(heads('download')).toEqual([id]);
  });

  it('carry who lost them, and do not hide those behind them', () => {
    const lost: EpisodeId[] = [];
    for (let n = 0; n < 6; n += 1) lost.push(fleet.episode(alpha, n, lostBy([a1, a2])));
    const plain = [6, 7, 8].map((n) => fleet.episode(alpha, n));
    expect(heads('download')).toEqual([...lost, ...plain]);
    const [first] = [...(view().feeds[0]?.heads.download ?? [])];
    expect(first?.lostBy).toEqual([a1, a2]);
  });
});

describe('the agents that a plan may use', () => {
  it('are those that live, in order of id', () => {
    fleet.agent('a3' as AgentId, { state: 'gone', session: 1 });
    fleet.agent(a2, { state: 'lost', session: 1 });
    const session = fleet.agent(a1);
    expect(view().agents).toEqual([
      {
        agent: a1,
        session,
        slots: { download: 4, transcribe: 1 },
        running: byStage(() => 0),
        runsCanary: false,
      },
    ]);
    fleet.agent('a0' as AgentId);
    expect(view().agents.map(({ agent }) => agent)).toEqual(['a0', a1]);
  });

  it('are not those that say themselves that they cannot work, or that they drain, as long as they say so', () => {
    const session = fleet.agent(a1);
    fleet.reports.set(a1, { session, engine: '', problem: 'its disk is full' });
    fleet.episode(alpha, 0);
    expect(view()).toMatchObject({ feeds: [], agents: [] });
    fleet.reports.set(a1, { session, engine: '', problem: null });
    expect(view().agents).toHaveLength(1);
    fleet.reports.set(a1, { session, engine: '', problem: null, draining: true });
    expect(view().agents).toEqual([]);
    // What an older process complained of is not the new one's.
    fleet.reports.set(a1, { session: session - 1, engine: '', problem: 'its disk is full' });
    expect(view().agents).toHaveLength(1);
  });

  it('are not those that people keep from work, in whatever session they come back', () => {
    fleet.episode(alpha, 0);
    fleet.agent(a1);
    for (const kind of ['cordoned', 'draining', 'drained'] as const) {
      fleet.cordon(a1, { kind });
      expect(view()).toMatchObject({ feeds: [], agents: [] });
      fleet.agent(a1, { boot: kind });
      expect(view().agents).toEqual([]);
    }
    fleet.agent(a2);
    expect(view().agents).toMatchObject([{ agent: a2 }]);
    fleet.cordon(a1, { kind: 'open' });
    expect(view().agents).toHaveLength(2);
  });

  it('have a slot free again once a job is committed: only its publishing is left', () => {
    const session = fleet.agent(a1);
    const hold = held('download', { agent: a1, session });
    fleet.episode(alpha, 0, hold);
    expect(view().agents[0]?.running.download).toBe(1);
    fleet.episode(alpha, 0, (state) => commit(hold(state)));
    expect(view().agents[0]?.running.download).toBe(0);
  });

  it('run a canary when what they hold was lost with two others', () => {
    const session = fleet.agent(a1);
    const hold = held('download', { agent: a1, session });
    const losses = (agents: readonly AgentId[]) =>
      fleet.episode(alpha, 0, (state) => lostBy(agents)(hold(state)));
    losses([a1, a1]);
    expect(view().agents[0]?.runsCanary).toBe(false);
    losses([a1, a2]);
    expect(view().agents[0]?.runsCanary).toBe(true);
  });
});

function lostBy(agents: readonly AgentId[]): StageChange {
  return (state) => {
    const { download } = state.stages;
    const lock = { ...download.lock, lostBy: agents };
    return { ...state, stages: { ...state.stages, download: { ...download, lock } } };
  };
}

const commit: StageChange = (state) => {
  const { download } = state.stages;
  if (download.lock.state !== 'held') throw new Error('nobody holds it');
  const manifest = { sha256: '0'.repeat(64), files: 1, bytes: 1, audioSeconds: 1 };
  const lock = { ...download.lock, state: 'committed', manifest } as const;
  return { ...state, stages: { ...state.stages, download: { ...download, lock } } };
};
