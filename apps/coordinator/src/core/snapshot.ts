import type { CordonRecord } from '@podctl/domain/cordon.ts';
import { decodeEpisode } from '@podctl/domain/episode-codec.ts';
import { whyNotAssignable } from '@podctl/domain/episode-move.ts';
import type {
  CommittedLock,
  EpisodeState,
  HeldLock,
  StageState,
} from '@podctl/domain/episode-state.ts';
import type { FeedRecord } from '@podctl/domain/feed-record.ts';
import type { HostName } from '@podctl/domain/host-name.ts';
import type { FeedHostRecord, HostRecord } from '@podctl/domain/host-state.ts';
import type { AgentId, ClusterId, EpisodeId, FeedId } from '@podctl/domain/ids.ts';
import { jobKey } from '@podctl/domain/key.ts';
import { type SessionRecord, sessionOf } from '@podctl/domain/session.ts';
import { byStage, MAIN_STAGES, STAGES, type Stage } from '@podctl/domain/stage.ts';
import type { EpisodeHosts } from './episode-hosts.ts';
import { addQuality, noQualities, type QualityCounts } from './quality-counts.ts';
import { addTally, emptyTally, type Tally } from './tally.ts';

/**
 * What a coordinator knows: the fold of the state bucket. Plans, screens, metrics and the API all read this one thing.
 * Entries come in order of revision from the tail; the leader also folds its own acknowledged writes at once, and the
 * tail's later copy of them changes nothing, since an entry at or below the known revision is passed over.
 */
export interface Snapshot {
  cluster: ClusterId | null;
  revision: number;
  readonly feeds: Map<FeedId, FeedRow>;
  readonly sessions: Map<AgentId, SessionRow>;
  /** What people decided about agents, opened ones among them; also of agents that never said hello. */
  readonly cordons: Map<AgentId, CordonRow>;
  /** What hosts were heard to answer; those that never asked for patience are not here. */
  readonly hosts: Map<HostName, HostRow>;
  /** Where feeds' audio comes from, as far as it is known. */
  readonly feedHosts: Map<FeedId, FeedHostRow>;
  /** Of feeds whose episodes name several hosts, as far as this leader has read them; null: too many. No part of the state. */
  readonly episodeHosts: Map<FeedId, EpisodeHosts | null>;
  /** Which host answered for one that such a feed's URLs name. No part of the state. */
  readonly hostsBehind: Map<HostName, HostName>;
  /** Held and committed locks, by `lockId`. */
  readonly locks: Map<string, LockRow>;
  /** Keys whose newest value cannot be read, with its revision: a newer version's, or damaged. Never overwritten. */
  readonly unreadable: Map<string, number>;
}

export interface FeedRow {
  readonly id: FeedId;
  /** Null while only its episodes were seen. */
  record: FeedRecord | null;
  revision: number;
  /** Raised by each fold that touches the feed or its episodes: who keeps what was made of it can tell whether it holds. */
  changes: number;
  readonly episodes: Map<EpisodeId, EpisodeRow>;
  readonly tally: Tally;
  /** How good its transcripts are. */
  readonly quality: QualityCounts;
  /** Episodes whose stage may be assigned by what their keys say, in the order in which they came to be so. */
  readonly ready: { readonly [S in Stage]: Set<EpisodeId> };
  /** What its feed lists no more, where this leader has read its ledger; else null. No part of the state: only the plan asks. */
  vanished: ReadonlySet<EpisodeId> | null;
}

export interface EpisodeRow {
  readonly feed: FeedId;
  readonly episode: EpisodeId;
  readonly revision: number;
  /** Worked out anew at each reading: not for a loop over all episodes. */
  readonly state: EpisodeState;
}

export interface SessionRow {
  readonly record: SessionRecord;
  readonly revision: number;
  /** The session's id. */
  readonly session: number;
}

export interface CordonRow {
  readonly record: CordonRecord;
  readonly revision: number;
}

export interface HostRow {
  readonly record: HostRecord;
  readonly revision: number;
}

export interface FeedHostRow {
  readonly record: FeedHostRecord;
  readonly revision: number;
}

export interface LockRow {
  readonly feed: FeedId;
  readonly episode: EpisodeId;
  readonly stage: Stage;
  readonly revision: number;
  readonly lock: HeldLock | CommittedLock;
}

export function emptySnapshot(): Snapshot {
  return {
    cluster: null,
    revision: 0,
    feeds: new Map(),
    sessions: new Map(),
    cordons: new Map(),
    hosts: new Map(),
    feedHosts: new Map(),
    episodeHosts: new Map(),
    hostsBehind: new Map(),
    locks: new Map(),
    unreadable: new Map(),
  };
}

/** The feeds that somebody wants: those that were removed are hidden, until they are added again. */
export function wantedFeeds(snapshot: Snapshot): FeedRow[] {
  return [...snapshot.feeds.values()].filter(({ record }) => record?.removed !== true);
}

/** Whether a stage that it waits for is wanted and neither done nor given up. */
export function isOpenEpisode(snapshot: Snapshot, feed: FeedId, episode: EpisodeId): boolean {
  const state = episodeRow(snapshot, feed, episode)?.state;
  return MAIN_STAGES.some((name) => {
    const stage = state?.stages[name];
    return stage !== undefined && isOpen(stage);
  });
}

function isOpen({ lock, done, wanted }: StageState): boolean {
  return lock.state !== 'dead' && (done?.run ?? 0) < wanted;
}

export function lockId(feed: FeedId, episode: EpisodeId, stage: Stage): string {
  return `${feed}.${episode}.${stage}`;
}

export function episodeRow(snapshot: Snapshot, feed: FeedId, episode: EpisodeId) {
  return snapshot.feeds.get(feed)?.episodes.get(episode) ?? null;
}

/** Folds one episode's value; gives the row before and after, or null when it changed nothing. */
export function foldEpisode(
  snapshot: Snapshot,
  feed: FeedId,
  episode: EpisodeId,
  revision: number,
  text: string,
): { readonly before: EpisodeRow | null; readonly after: EpisodeRow } | null {
  const row = feedRow(snapshot, feed);
  const before = row.episodes.get(episode) ?? null;
  const key = jobKey(feed, episode);
  const known = Math.max(before?.revision ?? 0, snapshot.unreadable.get(key) ?? 0);
  if (known >= revision) return null;
  snapshot.revision = Math.max(snapshot.revision, revision);
  row.changes += 1;
  const state = decodeEpisode(text);
  if (!state.ok) {
    snapshot.unreadable.set(key, revision);
    for (const stage of STAGES) {
      row.ready[stage].delete(episode);
      // Nobody here can settle it: tried again and again, it would keep every lock behind it from being settled.
      snapshot.locks.delete(lockId(feed, episode, stage));
    }
    return null;
  }
  snapshot.unreadable.delete(key);
  const after = new StoredEpisode(row.id, before?.episode ?? flat(episode), revision, text);
  row.episodes.set(after.episode, after);
  const was = before?.state ?? null;
  if (was !== null) count(row, was, -1);
  count(row, state.value, 1);
  for (const stage of STAGES) indexStage(snapshot, row, after, stage, state.value);
  return { before, after };
}

function count({ tally, quality }: FeedRow, state: EpisodeState, times: 1 | -1): void {
  addTally(tally, state, times);
  addQuality(quality, state, times);
}

export function foldFeed(snapshot: Snapshot, record: FeedRecord, revision: number): boolean {
  const row = feedRow(snapshot, record.feed);
  if (row.revision >= revision) return false;
  snapshot.revision = Math.max(snapshot.revision, revision);
  row.record = record;
  row.revision = revision;
  row.changes += 1;
  return true;
}

export function foldSession(
  snapshot: Snapshot,
  record: SessionRecord,
  revision: number,
): { readonly before: SessionRow | null; readonly after: SessionRow } | null {
  const before = snapshot.sessions.get(record.agent) ?? null;
  if (before !== null && before.revision >= revision) return null;
  snapshot.revision = Math.max(snapshot.revision, revision);
  const after = { record, revision, session: sessionOf(record, revision) };
  snapshot.sessions.set(record.agent, after);
  return { before, after };
}

export function foldCordon(
  snapshot: Snapshot,
  record: CordonRecord,
  revision: number,
): { readonly before: CordonRow | null; readonly after: CordonRow } | null {
  const before = snapshot.cordons.get(record.agent) ?? null;
  if (before !== null && before.revision >= revision) return null;
  snapshot.revision = Math.max(snapshot.revision, revision);
  const after = { record, revision };
  snapshot.cordons.set(record.agent, after);
  return { before, after };
}

/** The locks that a session of an agent holds. */
export function locksOfSession(snapshot: Snapshot, agent: AgentId, session: number): LockRow[] {
  return [...snapshot.locks.values()].filter(
    ({ lock }) => lock.agent === agent && lock.session === session,
  );
}

/** One of perhaps a million: it keeps the value as it was read, which takes a third of what its objects would. */
class StoredEpisode implements EpisodeRow {
  readonly feed: FeedId;
  readonly episode: EpisodeId;
  readonly revision: number;
  readonly #value: string;

  constructor(feed: FeedId, episode: EpisodeId, revision: number, value: string) {
    this.feed = feed;
    this.episode = episode;
    this.revision = revision;
    this.#value = value;
  }

  get state(): EpisodeState {
    const state = decodeEpisode(this.#value);
    if (!state.ok) throw new Error(`broken invariant: ${state.error}`);
    return state.value;
  }
}

/**
 * A copy of its own. An id cut out of a key keeps the whole key alive, which is 100 MB for a million of them: what is kept
 * for long is copied once. JSON is the one pure way to a new string.
 */
function flat<T extends string>(text: T): T {
  return JSON.parse(JSON.stringify(text)) as T;
}

function feedRow(snapshot: Snapshot, id: FeedId): FeedRow {
  const known = snapshot.feeds.get(id);
  if (known !== undefined) return known;
  const row: FeedRow = {
    id: flat(id),
    record: null,
    revision: 0,
    changes: 0,
    episodes: new Map(),
    tally: emptyTally(),
    quality: noQualities(),
    ready: byStage(() => new Set<EpisodeId>()),
    vanished: null,
  };
  snapshot.feeds.set(row.id, row);
  return row;
}

function indexStage(
  snapshot: Snapshot,
  feed: FeedRow,
  row: EpisodeRow,
  stage: Stage,
  state: EpisodeState,
): void {
  const ready = feed.ready[stage];
  if (whyNotAssignable(state, stage) === null) ready.add(row.episode);
  else ready.delete(row.episode);
  const id = lockId(row.feed, row.episode, stage);
  const { lock } = state.stages[stage] satisfies StageState;
  if (lock.state === 'held' || lock.state === 'committed') {
    const { feed: feedId, episode, revision } = row;
    snapshot.locks.set(id, { feed: feedId, episode, stage, revision, lock });
  } else snapshot.locks.delete(id);
}
