import { createHash } from 'node:crypto';
import { afterWish, type CordonRecord, type CordonWish } from '@podctl/domain/cordon.ts';
import { encodeEpisode } from '@podctl/domain/episode-codec.ts';
import type { EpisodeMeta } from '@podctl/domain/episode-meta.ts';
import { type EpisodeState, newEpisode } from '@podctl/domain/episode-state.ts';
import { changeFeed } from '@podctl/domain/feed-change.ts';
import { beginPurge } from '@podctl/domain/feed-purge.ts';
import type { FeedRecord } from '@podctl/domain/feed-record.ts';
import {
  type AgentId,
  type ClusterId,
  clusterIdFrom,
  type EpisodeId,
  episodeIdFrom,
  type FeedId,
  type Nonce,
  nonceFrom,
} from '@podctl/domain/ids.ts';
import type {
  AddedFeed,
  ChangedFeed,
  FeedToAdd,
  LockToRelease,
  Order,
  OrderDone,
  ReleasedLock,
  RunToRepeat,
  SetCordon,
} from '@podctl/domain/order.ts';
import type { LogLine } from '@podctl/domain/protocol.ts';
import type { SessionRecord } from '@podctl/domain/session.ts';
import type { Stage } from '@podctl/domain/stage.ts';
import type { Clock } from '@podctl/platform/clock.ts';
import type { Library } from '@podctl/platform/library.ts';
import { AgentLog } from '../../apps/coordinator/src/core/agent-log.ts';
import type { FleetEvent } from '../../apps/coordinator/src/core/event.ts';
import { aheadByFeed, locksHeldAhead } from '../../apps/coordinator/src/core/held-ahead.ts';
import { JobHistory } from '../../apps/coordinator/src/core/job-history.ts';
import { Liveness } from '../../apps/coordinator/src/core/liveness.ts';
import { Progress } from '../../apps/coordinator/src/core/progress.ts';
import {
  emptySnapshot,
  foldCordon,
  foldEpisode,
  foldFeed,
  foldSession,
  isOpenEpisode,
  lockId,
  type Snapshot,
} from '../../apps/coordinator/src/core/snapshot.ts';
import type { AgentReport, Picture } from '../../apps/coordinator/src/core/view.ts';
import type { LogSource } from '../../apps/coordinator/src/shell/agent-logs.ts';
import type {
  AcceptedFile,
  EventSource,
  Fleet,
  FleetInfo,
  LoggedEvent,
} from '../../apps/coordinator/src/shell/fleet.ts';
import { Orders } from '../../apps/coordinator/src/shell/orders.ts';

const NOTHING_COUNTED = {
  ...{ lines: 0, evicted: 0, dropped: 0 },
  refused: { unreadable: 0, session: 0, rate: 0, job: 0 },
};
const EVENTS_KEPT_MAX = 1_000;

export const CLUSTER: ClusterId = clusterIdFrom(new Uint8Array(10).fill(7));
export const NONCE: Nonce = nonceFrom(new Uint8Array(10).fill(9));

/** The id that episode `n` of a feed has in every test. */
export function episodeOf(feed: FeedId, n: number): EpisodeId {
  return episodeIdFrom(createHash('sha256').update(`${feed}\n${n}`).digest());
}

/** A fleet folded by hand, with the coordinator's own folds, from encoded values: everything but NATS is real. */
export class HandBuiltFleet implements Fleet {
  readonly snapshot: Snapshot = emptySnapshot();
  readonly liveness = new Liveness();
  readonly progress = new Progress();
  readonly reports = new Map<AgentId, AgentReport>();
  readonly metas = new Map<EpisodeId, EpisodeMeta>();
  /** By bucket and key, with a space between. */
  readonly values = new Map<string, string>();
  readonly files = new Map<string, readonly AcceptedFile[]>();
  readonly events: EventSource;
  readonly agentLog = new AgentLog();
  readonly logs: LogSource;
  readonly jobs = new JobHistory();
  readonly library: Library;
  /** What `addFeeds` was asked to add. */
  readonly asked: FeedToAdd[] = [];
  /** What `releaseLock` was asked to release, and what it answers. */
  readonly released: LockToRelease[] = [];
  readonly canceled: (LockToRelease & { by: string })[] = [];
  readonly repeated: RunToRepeat[] = [];
  releaseAnswer: ReleasedLock = { kind: 'released', revision: 1 };
  information: FleetInfo = {
    version: '0.1.0',
    coordinator: 'coordinator-1',
    leading: true,
    epoch: 41,
    cluster: CLUSTER,
    natsVersion: '2.15.1',
    fencedResults: 0,
    failedWrites: { state: 0, meta: 0, lead: 0 },
    stateAgeMs: 0,
    problem: '',
  };
  /** The orders that came through `orders`. */
  readonly ordered: Order[] = [];
  readonly orders = new Orders((order) => this.#carryOut(order));
  addFailure: Error | null = null;
  /** `addFeeds` answers when it is resolved. */
  addGate: Promise<void> = Promise.resolve();
  releaseFailure: Error | null = null;
  pictureFailure: Error | null = null;
  readonly #clock: Clock;
  readonly #listeners = new Set<() => void>();
  readonly #log: LoggedEvent[] = [];
  readonly #logListeners = new Set<() => void>();
  #newest = 0;

  constructor(clock: Clock, library: Library) {
    this.#clock = clock;
    this.snapshot.cluster = CLUSTER;
    this.library = library;
    this.events = {
      after: (sequence, limit) =>
        this.#log.filter((event) => event.sequence > sequence).slice(-limit),
      newest: () => this.#newest,
    };
    this.logs = {
      ofJob: (...of) => this.agentLog.ofJob(...of),
      onLines: (_job, listener) => this.#heard(listener),
      counts: () => NOTHING_COUNTED,
    };
  }

  picture(): Picture {
    if (this.pictureFailure !== null) throw this.pictureFailure;
    return {
      snapshot: this.snapshot,
      liveness: this.liveness,
      progress: this.progress,
      reports: this.reports,
      ahead: aheadByFeed(locksHeldAhead(this.snapshot, this.reports)),
      limits: { stalledAfterMs: 600_000, staleAfterMs: 3_600_000, failingAfter: 3 },
      now: { wallMs: this.#clock.wallMs(), monotonicMs: this.#clock.monotonicMs() },
    };
  }

  info(): FleetInfo {
    return this.information;
  }

  onChange(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** An agent's log says so. */
  say(agent: AgentId, lines: readonly LogLine[], dropped = 0): void {
    this.agentLog.add(agent, { lines, dropped });
    for (const listener of this.#logListeners) listener();
  }

  #heard(listener: () => void): () => void {
    this.#logListeners.add(listener);
    return () => this.#logListeners.delete(listener);
  }

  get listeners(): number {
    return this.#listeners.size;
  }

  isLoaded(): boolean {
    return true;
  }

  async value(bucket: 'state' | 'meta', key: string): Promise<string | null> {
    return this.values.get(`${bucket} ${key}`) ?? null;
  }

  async meta(_feed: FeedId, episode: EpisodeId): Promise<EpisodeMeta | null> {
    return this.metas.get(episode) ?? null;
  }

  async acceptedFiles(feed: FeedId, episode: EpisodeId, stage: Stage) {
    return this.files.get(lockId(feed, episode, stage)) ?? [];
  }

  async #addFeeds(feeds: readonly FeedToAdd[]): Promise<readonly AddedFeed[]> {
    await this.addGate;
    if (this.addFailure !== null) throw this.addFailure;
    this.asked.push(...feeds);
    return feeds.map((feed): AddedFeed => {
      const id = (feed.id ?? `feed-${this.snapshot.feeds.size}`) as FeedId;
      const kind = this.snapshot.feeds.has(id) ? 'moved' : 'added';
      this.feed(id, { url: feed.url, title: feed.title, bookScore: feed.bookScore });
      return { kind, feed: id, url: feed.url, revision: this.snapshot.revision };
    });
  }

  /** Feeds are changed as the leader does; what is asked of episodes is only noted. */
  async #carryOut(order: Order): Promise<OrderDone> {
    this.ordered.push(order);
    switch (order.kind) {
      case 'add_feeds': {
        if (order.dryRun !== true)
          return { kind: order.kind, added: await this.#addFeeds(order.feeds) };
        const added = order.feeds.map(({ url }): AddedFeed => {
          const { revision } = this.snapshot;
          return { kind: 'added', feed: 'planned' as FeedId, url, revision };
        });
        return { kind: order.kind, added };
      }
      case 'change_feed':
        return { kind: order.kind, changed: this.#changeFeed(order) };
      case 'retry_jobs':
        return { kind: order.kind, retried: order.jobs.length };
      case 'skip_episode':
        return { kind: order.kind, skipped: ['download', 'transcribe'] };
      case 'release_lock':
        if (this.releaseFailure !== null) throw this.releaseFailure;
        this.released.push(order.lock);
        return { kind: order.kind, released: this.releaseAnswer };
      case 'cancel_job':
        this.canceled.push({ ...order.job, by: order.by });
        return { kind: order.kind, canceled: this.releaseAnswer };
      case 'set_cordon':
        return { kind: order.kind, set: this.#setCordon(order.agent, order.wish) };
      case 'adopt_result':
        return { kind: order.kind, refusal: null };
      case 'repeat_runs':
        this.repeated.push(...order.runs);
        return { kind: order.kind, requested: order.runs.length };
    }
  }

  #changeFeed({ feed, change, dryRun }: Extract<Order, { kind: 'change_feed' }>): ChangedFeed {
    const record = this.snapshot.feeds.get(feed)?.record ?? null;
    if (record === null) return { kind: 'unknown' };
    const isOpen = (episode: EpisodeId) => isOpenEpisode(this.snapshot, feed, episode);
    const changed = changeFeed(record, change, isOpen);
    if (!changed.ok) return { kind: 'refused', problem: changed.error };
    const size = { results: 2, files: 5, bytes: 1_500_000 };
    const after = change.purge
      ? beginPurge(changed.value.record, { cluster: CLUSTER, sinceMs: 0, ...size })
      : changed.value.record;
    if (!dryRun) this.feed(feed, after);
    const { fields } = changed.value;
    return { kind: 'changed', revision: this.snapshot.revision, fields, purge: after.purge };
  }

  #setCordon(agent: AgentId, wish: CordonWish): SetCordon {
    const before = this.snapshot.cordons.get(agent)?.record ?? null;
    const after = afterWish(before, wish, this.#clock.wallMs());
    if (after !== null) this.cordon(agent, after);
    return { cordon: after ?? before, changed: after !== null };
  }

  cordon(agent: AgentId, fields: Partial<CordonRecord>): void {
    const of = { cluster: CLUSTER, nonce: NONCE, agent, kind: 'cordoned' } as const;
    const record = { ...of, reason: '', by: '', sinceMs: 0, deadlineMs: null, ...fields };
    foldCordon(this.snapshot, record, this.snapshot.revision + 1);
    this.changed();
  }

  feed(feed: FeedId, fields: Partial<FeedRecord> = {}): void {
    const record: FeedRecord = {
      cluster: CLUSTER,
      nonce: NONCE,
      feed,
      url: `https://user:secret@pods.example/${feed}.xml?token=secret`,
      title: `The ${feed}`,
      addedMs: 0,
      bookScore: null,
      formerUrls: [],
      generation: 0,
      etag: null,
      lastModified: null,
      lastSuccessMs: null,
      failures: 0,
      nextPollMs: 0,
      problem: null,
      listed: 0,
      ...fields,
    };
    foldFeed(this.snapshot, record, this.snapshot.revision + 1);
    this.changed();
  }

  /** Writes an episode, fresh or changed, the way its key holds it. */
  episode(
    feed: FeedId,
    n: number,
    change: (state: EpisodeState) => EpisodeState = (state) => state,
  ): EpisodeId {
    const id = episodeOf(feed, n);
    const before =
      this.snapshot.feeds.get(feed)?.episodes.get(id)?.state ?? newEpisode(CLUSTER, NONCE, 'added');
    const text = encodeEpisode(change(before));
    const folded = foldEpisode(this.snapshot, feed, id, this.snapshot.revision + 1, text);
    if (folded?.before != null) this.jobs.take(folded.before, folded.after, this.#clock.wallMs());
    this.changed();
    return id;
  }

  agent(agent: AgentId, fields: Partial<SessionRecord> = {}): number {
    const record: SessionRecord = {
      cluster: CLUSTER,
      nonce: NONCE,
      agent,
      state: 'live',
      boot: 'boot-1',
      host: `${agent}.example`,
      version: '0.1.0',
      engine: 'faster-whisper tiny.en int8 cpu',
      slots: { download: 4, transcribe: 1 },
      sinceMs: 0,
      session: 0,
      ...fields,
    };
    const folded = foldSession(this.snapshot, record, this.snapshot.revision + 1);
    this.changed();
    return folded?.after.session ?? 0;
  }

  event(message: string): void {
    const event: FleetEvent = {
      type: 'job_requeued',
      feed: null,
      episode: null,
      stage: 'download',
      agent: null,
      message,
    };
    this.#newest += 1;
    const atMs = this.#clock.wallMs();
    this.#log.push({ ...event, sequence: this.#newest, revision: null, atMs, title: 'A title' });
    if (this.#log.length > EVENTS_KEPT_MAX) this.#log.shift();
    this.changed();
  }

  changed(): void {
    for (const listener of this.#listeners) listener();
  }
}
