import type { CordonRecord } from '@podctl/domain/cordon.ts';
import {
  type AgentId,
  type ClusterId,
  clusterIdFrom,
  type FeedId,
  nonceFrom,
} from '@podctl/domain/ids.ts';
import { parseStateKey } from '@podctl/domain/key.ts';
import { feedHostRecord, hostRecord } from '@podctl/platform/host-records.ts';
import type { KvEntry, TailSink } from '@podctl/platform/kv.ts';
import {
  clusterRecord,
  cordonRecord,
  feedRecord,
  sessionRecord,
} from '@podctl/platform/records.ts';
import { eventsOfCordon } from '../core/cordon-event.ts';
import {
  type BegunMs,
  eventsOfEpisode,
  eventsOfFeed,
  eventsOfSession,
  type FleetEvent,
} from '../core/event.ts';
import { eventsOfHost } from '../core/host-event.ts';
import { foldFeedHost, foldHost } from '../core/host-fold.ts';
import {
  type EpisodeRow,
  emptySnapshot,
  foldCordon,
  foldEpisode,
  foldFeed,
  foldSession,
  type Snapshot,
} from '../core/snapshot.ts';

export interface ReplicaListener {
  /** Something changed. Events are told only once the tail is current: what was before is history, not news. */
  changed(events: readonly FleetEvent[], revision: number): void;
}

export interface ReplicaOptions {
  /** Wall clock, for what events say. */
  nowMs(): number;
  readonly begunMs?: BegunMs;
  /** An episode's value changed, once the tail is current. */
  moved?(before: EpisodeRow, after: EpisodeRow, nowMs: number): void;
  /** The bucket is an older or another one than before, and nothing that was folded can be trusted. */
  rewound(): void;
}

/**
 * The snapshot and what feeds it: the tail of the state bucket, and the leader's own acknowledged writes.
 * Both come through `entry`; whichever is second changes nothing.
 */
export class Replica implements TailSink {
  readonly snapshot: Snapshot = emptySnapshot();
  readonly #decoder = new TextDecoder();
  readonly #listeners = new Set<ReplicaListener>();
  readonly #options: ReplicaOptions;
  readonly #loaded = Promise.withResolvers<void>();
  #current = false;

  constructor(options: ReplicaOptions) {
    this.#options = options;
  }

  listen(listener: ReplicaListener): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** Resolves when everything that was in the bucket at the start is folded. */
  loaded(): Promise<void> {
    return this.#loaded.promise;
  }

  isLoaded(): boolean {
    return this.#current;
  }

  current(revision: number): void {
    this.snapshot.revision = Math.max(this.snapshot.revision, revision);
    this.#current = true;
    this.#loaded.resolve();
  }

  rewound(): void {
    this.#options.rewound();
  }

  entry(entry: KvEntry): void {
    // State keys are never deleted; a marker is somebody's hand, and what is known stays until it is written again.
    const events = entry.kind === 'value' ? this.#fold(entry) : null;
    this.snapshot.revision = Math.max(this.snapshot.revision, entry.revision);
    if (events === null || !this.#current) return;
    for (const listener of this.#listeners) listener.changed(events, entry.revision);
  }

  /** Null when the entry changed nothing. */
  #fold(entry: KvEntry & { kind: 'value' }): readonly FleetEvent[] | null {
    const key = parseStateKey(entry.key);
    switch (key.kind) {
      case 'job': {
        const text = this.#decoder.decode(entry.value);
        const change = foldEpisode(this.snapshot, key.feed, key.episode, entry.revision, text);
        if (change === null) return null;
        const nowMs = this.#options.nowMs();
        if (this.#current && change.before !== null)
          this.#options.moved?.(change.before, change.after, nowMs);
        return eventsOfEpisode(change.before, change.after, nowMs, this.#options.begunMs);
      }
      case 'feed':
        return this.#foldFeed(entry);
      case 'session':
        return this.#foldSession(entry);
      case 'cordon':
        return this.#foldCordon(entry, key.agent);
      case 'host':
        return this.#foldHost(entry);
      case 'feed_host':
        return this.#foldFeedHost(entry, key.feed);
      case 'cluster':
        return this.#foldCluster(entry);
      case 'unknown':
        return this.#unreadable(entry);
    }
  }

  #foldFeed(entry: KvEntry & { kind: 'value' }): readonly FleetEvent[] | null {
    const record = feedRecord.decode(entry.value);
    if (!record.ok) return this.#unreadable(entry);
    const before = this.snapshot.feeds.get(record.value.feed)?.record ?? null;
    return foldFeed(this.snapshot, record.value, entry.revision)
      ? eventsOfFeed(before, record.value)
      : null;
  }

  #foldSession(entry: KvEntry & { kind: 'value' }): readonly FleetEvent[] | null {
    const record = sessionRecord.decode(entry.value);
    if (!record.ok) return this.#unreadable(entry);
    const change = foldSession(this.snapshot, record.value, entry.revision);
    return change === null ? null : eventsOfSession(change.before, change.after);
  }

  #foldCordon(entry: KvEntry & { kind: 'value' }, agent: AgentId): readonly FleetEvent[] | null {
    const record = cordonRecord.decode(entry.value);
    if (record.ok) this.snapshot.unreadable.delete(entry.key);
    else this.#unreadable(entry);
    const known = record.ok ? record.value : this.#unknownCordon(agent);
    const change = foldCordon(this.snapshot, known, entry.revision);
    return change === null ? null : eventsOfCordon(change.before, change.after);
  }

  /** What people decided cannot be read: whoever was taken out by a newer version is given no work by this one. */
  #unknownCordon(agent: AgentId): CordonRecord {
    return {
      ...{ ...this.#nobodys(), agent, kind: 'cordoned', by: '', deadlineMs: null },
      ...{ reason: 'its record cannot be read by this version', sinceMs: this.#options.nowMs() },
    };
  }

  #foldHost(entry: KvEntry & { kind: 'value' }): readonly FleetEvent[] | null {
    const record = hostRecord.decode(entry.value);
    if (!record.ok) return this.#unreadable(entry);
    this.snapshot.unreadable.delete(entry.key);
    const change = foldHost(this.snapshot, record.value, entry.revision);
    return change === null ? null : eventsOfHost(change.before, change.after);
  }

  #foldFeedHost(entry: KvEntry & { kind: 'value' }, feed: FeedId): readonly FleetEvent[] | null {
    const record = feedHostRecord.decode(entry.value);
    if (record.ok) this.snapshot.unreadable.delete(entry.key);
    else this.#unreadable(entry);
    // Of a newer version: without a host that this one knows of, the feed need not wait for ever until one is found.
    const known = record.ok
      ? record.value
      : { ...this.#nobodys(), feed, host: null, learned: false };
    return foldFeedHost(this.snapshot, known, entry.revision) ? [] : null;
  }

  #nobodys() {
    const nothing = new Uint8Array(10);
    return {
      cluster: this.snapshot.cluster ?? clusterIdFrom(nothing),
      nonce: nonceFrom(nothing),
    };
  }

  #foldCluster(entry: KvEntry & { kind: 'value' }): readonly FleetEvent[] | null {
    const record = clusterRecord.decode(entry.value);
    if (!record.ok) return this.#unreadable(entry);
    this.snapshot.cluster = record.value.cluster satisfies ClusterId;
    // It named a restore, and that has ended.
    this.snapshot.unreadable.delete(entry.key);
    return [];
  }

  #unreadable({ key, revision }: KvEntry): null {
    this.snapshot.unreadable.set(key, revision);
    return null;
  }
}
