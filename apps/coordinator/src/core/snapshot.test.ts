import { addBooks, emptyBookTally } from '@podctl/domain/books/book-score.ts';
import { encodeEpisode } from '@podctl/domain/episode-codec.ts';
import { type Move, move, whyNotAssignable } from '@podctl/domain/episode-move.ts';
import { type EpisodeState, newEpisode } from '@podctl/domain/episode-state.ts';
import type { FeedRecord } from '@podctl/domain/feed-record.ts';
import type {
  AgentId,
  ClusterId,
  EpisodeId,
  Epoch,
  FeedId,
  Nonce,
  SessionId,
  Token,
} from '@podctl/domain/ids.ts';
import type { SessionRecord } from '@podctl/domain/session.ts';
import { byStage, STAGES, type Stage } from '@podctl/domain/stage.ts';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  type EpisodeRow,
  emptySnapshot,
  episodeRow,
  foldEpisode,
  foldFeed,
  foldSession,
  lockId,
  locksOfSession,
  type Snapshot,
} from './snapshot.ts';
import { addTally, emptyTally, sumTallies } from './tally.ts';

const cluster = 'c'.repeat(16) as ClusterId;
const nonce = 'a'.repeat(16) as Nonce;
const limits = { failuresMax: 2, lossesMax: 3, backoffFirstMs: 1_000, backoffMaxMs: 8_000 };
const feeds = ['f1', 'f2'] as FeedId[];
const episodes = ['a', 'b', 'c'].map((letter) => letter.repeat(26) as EpisodeId);
const [feed, episode] = ['f1' as FeedId, 'a'.repeat(26) as EpisodeId];

interface Entry {
  readonly feed: FeedId;
  readonly episode: EpisodeId;
  readonly revision: number;
  readonly state: EpisodeState;
}

/** What the next legal thing is; `turn` chooses where several are. */
function nextMove(state: EpisodeState, stage: Stage, turn: number, revision: number): Move {
  const { lock } = state.stages[stage];
  if (lock.state === 'committed') return { kind: 'publish', token: lock.token };
  if (lock.state === 'held') {
    // Halves and quarters: sums of them are exact, so that a tally may be compared exactly.
    const manifest = { sha256: '0'.repeat(64), files: 1, bytes: 1, audioSeconds: turn / 4 };
    if (turn % 4 < 2) return { kind: 'commit', token: lock.token, manifest };
    const end =
      turn % 4 === 2
        ? ({ kind: 'lost' } as const)
        : ({ kind: 'failed', reason: 'no', retryAfterMs: null, final: false } as const);
    return { kind: 'revoke', token: lock.token, end, nowMs: 0, random: 0 };
  }
  if (whyNotAssignable(state, stage) !== null || turn % 8 === 7)
    return { kind: 'request', request: `r${turn}` };
  const agent = (turn % 2 === 0 ? 'x' : 'y') as AgentId;
  const session = (1 + (turn % 3)) as SessionId;
  const holder = { cluster, token: revision as Token, agent, session, epoch: 1 as Epoch, nowMs: 0 };
  return { kind: 'assign', holder };
}

const steps = fc.array(
  fc.record({
    feed: fc.constantFrom(...feeds),
    episode: fc.constantFrom(...episodes),
    stage: fc.constantFrom(...STAGES),
    turn: fc.nat(63),
  }),
  { maxLength: 60, size: 'max' },
);

/** The entries of the bucket, in order of revision, as random legal histories of several episodes make them. */
const histories = steps.map((script) => {
  const entries: Entry[] = [];
  const newest = new Map<string, Entry>();
  for (const { feed: of, episode: id, stage, turn } of script) {
    const before = newest.get(`${of}.${id}`);
    const revision = entries.length + 1;
    const state =
      before === undefined ? newEpisode(cluster, nonce, 'poll') : stepped(before, stage, turn);
    const entry = { feed: of, episode: id, revision, state };
    entries.push(entry);
    newest.set(`${of}.${id}`, entry);
  }
  return entries;
});

function stepped(before: Entry, stage: Stage, turn: number): EpisodeState {
  const step = nextMove(before.state, stage, turn, before.revision);
  const moved = move(before.state, stage, step, nonce, limits);
  if (!moved.ok) throw new Error(moved.error);
  return moved.value;
}

const fold = (snapshot: Snapshot, entry: Entry) =>
  foldEpisode(snapshot, entry.feed, entry.episode, entry.revision, encodeEpisode(entry.state));

/** A row keeps its value unread: what it says, as an object. */
const plain = ({ feed, episode, revision, state }: EpisodeRow) => ({
  feed,
  episode,
  revision,
  state,
});

/** What a snapshot says, in plain data without any order but that of the ready sets. */
function said(snapshot: Snapshot) {
  return {
    revision: snapshot.revision,
    unreadable: snapshot.unreadable.size,
    locks: Object.fromEntries(snapshot.locks),
    feeds: Object.fromEntries(
      [...snapshot.feeds].map(([id, row]) => [
        id,
        {
          tally: row.tally,
          episodes: Object.fromEntries([...row.episodes].map(([key, one]) => [key, plain(one)])),
          ready: byStage((stage) => [...row.ready[stage]].sort()),
        },
      ]),
    ),
  };
}

/** The same, counted from the newest values alone, in the plainest way. */
function counted(entries: readonly Entry[]) {
  const newest = [...new Map(entries.map((e) => [`${e.feed}.${e.episode}`, e])).values()];
  const rowsOf = (id: FeedId) => newest.filter((entry) => entry.feed === id);
  return {
    revision: entries.at(-1)?.revision ?? 0,
    unreadable: 0,
    locks: Object.fromEntries(newest.flatMap(locksOf)),
    feeds: Object.fromEntries(
      feeds
        .filter((id) => rowsOf(id).length > 0)
        .map((id) => [
          id,
          {
            tally: tallyOf(rowsOf(id).map(({ state }) => state)),
            episodes: Object.fromEntries(rowsOf(id).map((entry) => [entry.episode, entry])),
            ready: byStage((stage) => ready(rowsOf(id), stage)),
          },
        ]),
    ),
  };
}

function locksOf({ feed: of, episode: id, revision, state }: Entry) {
  return STAGES.flatMap((stage) => {
    const { lock } = state.stages[stage];
    if (lock.state === 'free' || lock.state === 'dead') return [];
    return [[lockId(of, id, stage), { feed: of, episode: id, stage, revision, lock }] as const];
  });
}

const INPUT = { download: null, transcribe: 'download', score: 'transcribe' } as const;

function ready(rows: readonly Entry[], stage: Stage): EpisodeId[] {
  const isReady = ({ state: { stages } }: Entry) =>
    stages[stage].lock.state === 'free' &&
    (stages[stage].done?.run ?? 0) < stages[stage].wanted &&
    (INPUT[stage] === null || stages[INPUT[stage]].done !== null);
  return rows
    .filter(isReady)
    .map((row) => row.episode)
    .sort();
}

const isLeft = ({ lock, done, wanted }: EpisodeState['stages'][Stage]) =>
  lock.state !== 'dead' && wanted > (done?.run ?? 0);

function tallyOf(states: readonly EpisodeState[]) {
  const how = (is: (state: EpisodeState) => boolean) => states.filter(is).length;
  const each = (is: (stage: EpisodeState['stages'][Stage]) => boolean) =>
    byStage((stage) => how((state) => is(state.stages[stage])));
  const main = ({ stages }: EpisodeState) => [stages.download, stages.transcribe];
  const isAwaited = ({ lock }: EpisodeState['stages'][Stage]) =>
    lock.state === 'free' && lock.failures + lock.lostBy.length > 0;
  const mayCome = ({ lock, done }: EpisodeState['stages'][Stage]) =>
    done !== null || lock.state !== 'dead';
  const seconds = (of: readonly EpisodeState[]) =>
    of.reduce((sum, { stages }) => sum + (stages.download.done?.manifest.audioSeconds ?? 0), 0);
  return {
    episodes: states.length,
    dead: how((of) => main(of).some(({ lock }) => lock.state === 'dead')),
    ...{ skipped: 0, skippedJobs: 0 },
    books: states.reduce((sum, { stages }) => {
      addBooks(sum, stages.score.done?.manifest ?? null, 1);
      return sum;
    }, emptyBookTally()),
    killers: how(({ stages }) => STAGES.some((of) => new Set(stages[of].lock.lostBy).size > 1)),
    retrying: how((of) => main(of).some(isAwaited)),
    retryingJobs: STAGES.reduce((sum, stage) => sum + each(isAwaited)[stage], 0),
    audioSeconds: seconds(states),
    audioSecondsTranscribed: seconds(
      states.filter(({ stages }) => stages.transcribe.done !== null),
    ),
    remaining: {
      download: how(({ stages }) => isLeft(stages.download)),
      // After a dead download nothing is left to transcribe, unless an older audio is there.
      transcribe: how(
        ({ stages: { download, transcribe } }) => isLeft(transcribe) && mayCome(download),
      ),
      score: how(({ stages: { download, transcribe, score } }) => {
        const mayHeard = transcribe.lock.state !== 'dead' && mayCome(download);
        return isLeft(score) && (transcribe.done !== null || mayHeard);
      }),
    },
    running: each(({ lock }) => lock.state === 'held' || lock.state === 'committed'),
    deadJobs: each(({ lock }) => lock.state === 'dead'),
    done: each(({ done }) => done !== null),
  };
}

describe('the snapshot', () => {
  it('says after every entry what a count from scratch says: tallies, ready sets, locks', () => {
    fc.assert(
      fc.property(histories, (entries) => {
        const snapshot = emptySnapshot();
        for (const [i, entry] of entries.entries()) {
          fold(snapshot, entry);
          expect(said(snapshot)).toEqual(counted(entries.slice(0, i + 1)));
        }
      }),
      { numRuns: 150 },
    );
  });

  it('is not moved by an entry that comes twice, nor by an old one that comes late', () => {
    const again = fc.array(fc.tuple(fc.nat(60), fc.nat(60)), { maxLength: 60, size: 'max' });
    fc.assert(
      fc.property(histories, again, (entries, repeats) => {
        const snapshot = emptySnapshot();
        for (const [i, entry] of entries.entries()) {
          expect(fold(snapshot, entry)).not.toBeNull();
          const late = repeats.filter(([when, which]) => when === i && which <= i);
          for (const [, which] of late) expect(fold(snapshot, entries[which] ?? entry)).toBeNull();
        }
        expect(said(snapshot)).toEqual(counted(entries));
      }),
      { numRuns: 150 },
    );
  });

  it('is the same when only the newest value of each key was read, as at the start of a tail', () => {
    fc.assert(
      fc.property(histories, (entries) => {
        const newest = [...new Map(entries.map((e) => [`${e.feed}.${e.episode}`, e])).values()];
        const snapshot = emptySnapshot();
        for (const entry of newest.toSorted((a, b) => a.revision - b.revision))
          fold(snapshot, entry);
        expect(said(snapshot)).toEqual(counted(entries));
      }),
      { numRuns: 150 },
    );
  });

  it('gives the episode before and after, and finds it', () => {
    const [one, two] = [newEpisode(cluster, nonce, 'poll'), newEpisode(cluster, nonce, 'other')];
    const snapshot = emptySnapshot();
    const firstRow = { feed, episode, revision: 3, state: one };
    const secondRow = { feed, episode, revision: 8, state: two };
    expect(fold(snapshot, firstRow)).toMatchObject({ before: null, after: firstRow });
    expect(fold(snapshot, secondRow)).toMatchObject({ before: firstRow, after: secondRow });
    expect(episodeRow(snapshot, feed, episode)).toMatchObject(secondRow);
    expect(episodeRow(snapshot, 'other' as FeedId, episode)).toBeNull();
  });

  it('gives ready episodes in the order in which they came to be so', () => {
    const snapshot = emptySnapshot();
    for (const [i, id] of ['c', 'a', 'b'].entries())
      fold(snapshot, {
        feed,
        episode: id.repeat(26) as EpisodeId,
        revision: i + 1,
        state: newEpisode(cluster, nonce, 'poll'),
      });
    const heads = [...(snapshot.feeds.get(feed)?.ready.download ?? [])].map((id) => id[0]);
    expect(heads).toEqual(['c', 'a', 'b']);
  });

  it('finds the locks of a session, and of no other life of the same agent', () => {
    fc.assert(
      fc.property(histories, (entries) => {
        const snapshot = emptySnapshot();
        for (const entry of entries) fold(snapshot, entry);
        for (const session of [1, 2, 3])
          for (const agent of ['x', 'y'] as AgentId[]) {
            const mine = Object.values(counted(entries).locks).filter(
              ({ lock }) => lock.agent === agent && lock.session === session,
            );
            expect(locksOfSession(snapshot, agent, session)).toHaveLength(mine.length);
            expect(locksOfSession(snapshot, agent, session)).toEqual(expect.arrayContaining(mine));
          }
      }),
      { numRuns: 50 },
    );
  });
});

describe('a value that cannot be read', () => {
  const good = { feed, episode, revision: 1, state: newEpisode(cluster, nonce, 'poll') };

  it('is counted once, however often it is delivered', () => {
    const snapshot = emptySnapshot();
    fold(snapshot, good);
    for (let times = 0; times < 3; times += 1)
      expect(foldEpisode(snapshot, feed, episode, 2, '{"v":2}')).toBeNull();
    expect(snapshot.unreadable.size).toBe(1);
    expect(snapshot.revision).toBe(2);
  });

  it('is not offered to the planner: its CAS could only fail, again and again', () => {
    const snapshot = emptySnapshot();
    fold(snapshot, good);
    foldEpisode(snapshot, feed, episode, 2, '{"v":2}');
    expect([...(snapshot.feeds.get(feed)?.ready.download ?? [])]).toEqual([]);
  });

  it('does not hide the next one that can', () => {
    const snapshot = emptySnapshot();
    foldEpisode(snapshot, feed, episode, 2, 'garbage');
    expect(fold(snapshot, { ...good, revision: 3 })).not.toBeNull();
    expect(snapshot.feeds.get(feed)?.tally.episodes).toBe(1);
  });
});

describe('feeds and sessions', () => {
  const record: FeedRecord = {
    cluster,
    nonce,
    feed,
    url: 'https://example.org/feed.xml',
    title: 'one',
    addedMs: 0,
    bookScore: null,
    ...{ formerUrls: [], generation: 1, etag: null, lastModified: null, lastSuccessMs: null },
    ...{ failures: 0, nextPollMs: 0, problem: null, listed: 0 },
  };
  const live: SessionRecord = {
    cluster,
    nonce,
    agent: 'x' as AgentId,
    state: 'live',
    boot: 'b',
    host: 'h',
    version: '1',
    engine: 'e',
    slots: { download: 1, transcribe: 1 },
    sinceMs: 0,
    session: 0,
  };

  it('a feed is the newest that was seen, whether its record or its episodes came first', () => {
    const snapshot = emptySnapshot();
    fold(snapshot, { feed, episode, revision: 1, state: newEpisode(cluster, nonce, 'poll') });
    expect(foldFeed(snapshot, { ...record, title: 'new' }, 5)).toBe(true);
    expect(foldFeed(snapshot, record, 4)).toBe(false);
    expect(foldFeed(snapshot, record, 5)).toBe(false);
    expect(snapshot.feeds.get(feed)).toMatchObject({ record: { title: 'new' }, revision: 5 });
    expect(snapshot.feeds.get(feed)?.tally.episodes).toBe(1);
    expect(snapshot.revision).toBe(5);
  });

  it('a session is known by the revision that made it live, and an older entry changes nothing', () => {
    const snapshot = emptySnapshot();
    expect(foldSession(snapshot, live, 7)?.after.session).toBe(7);
    expect(foldSession(snapshot, { ...live, state: 'lost', session: 7 }, 9)).toMatchObject({
      before: { session: 7 },
      after: { session: 7, revision: 9 },
    });
    expect(foldSession(snapshot, live, 7)).toBeNull();
    expect(snapshot.sessions.get('x' as AgentId)?.record.state).toBe('lost');
  });
});

describe('tallies', () => {
  it('added and taken away again leave nothing, and the sum over feeds is the tally of all', () => {
    fc.assert(
      fc.property(histories, (entries) => {
        const newest = [...new Map(entries.map((e) => [`${e.feed}.${e.episode}`, e])).values()];
        const snapshot = emptySnapshot();
        for (const entry of entries) fold(snapshot, entry);
        const all = tallyOf(newest.map(({ state }) => state));
        const sum = sumTallies([...snapshot.feeds.values()].map(({ tally }) => tally));
        expect(sum).toEqual(all);
        for (const { state } of newest) addTally(sum, state, -1);
        expect(sum).toEqual(emptyTally());
      }),
      { numRuns: 100 },
    );
  });
});
