import type { CordonRecord } from '@podctl/domain/cordon.ts';
import { decodeEpisode, encodeEpisode } from '@podctl/domain/episode-codec.ts';
import type { EpisodeMeta } from '@podctl/domain/episode-meta.ts';
import { type Move, move } from '@podctl/domain/episode-move.ts';
import type { EpisodeState } from '@podctl/domain/episode-state.ts';
import { decodeChunk, encodeChunk, type LedgerEntry } from '@podctl/domain/feed/ledger-entry.ts';
import type { FeedRecord } from '@podctl/domain/feed-record.ts';
import type { HostName } from '@podctl/domain/host-name.ts';
import type { FeedHostRecord, HostRecord } from '@podctl/domain/host-state.ts';
import type { AgentId, ClusterId, EpisodeId, FeedId, Nonce } from '@podctl/domain/ids.ts';
import {
  cordonKey,
  feedHostKey,
  feedKey,
  hostKey,
  jobKey,
  ledgerKey,
  metaKey,
  sessionKey,
} from '@podctl/domain/key.ts';
import type { RetryLimits } from '@podctl/domain/retry.ts';
import type { SessionRecord } from '@podctl/domain/session.ts';
import type { Stage } from '@podctl/domain/stage.ts';
import { feedHostRecord, hostRecord } from '@podctl/platform/host-records.ts';
import type { CasOutcome, Kv, KvEntry } from '@podctl/platform/kv.ts';
import { cordonRecord, episodeMeta, feedRecord, sessionRecord } from '@podctl/platform/records.ts';
import type { Replica } from './replica.ts';

/** A record with the revision at which it was read; revision 0 and null when there is none. */
export interface Read<T> {
  readonly record: T | null;
  readonly revision: number;
}

/** `given_up`: a conflict each time, for as often as is tried, or no answer from the server. Nothing is certain then but the tail. */
export type MoveOutcome =
  | { readonly kind: 'moved'; readonly state: EpisodeState; readonly revision: number }
  | { readonly kind: 'declined'; readonly reason: string; readonly state: EpisodeState | null }
  | { readonly kind: 'given_up'; readonly reason: string };

export interface StoreOptions {
  readonly state: Kv;
  readonly meta: Kv;
  readonly replica: Replica;
  readonly retry: RetryLimits;
  newNonce(): Nonce;
  /** False as soon as the term is in doubt: nothing is written then. */
  mayWrite(): boolean;
}

const TRIES_MAX = 8;
const NOT_LEADING: CasOutcome = {
  kind: 'unknown',
  cause: new Error('this coordinator does not lead (any more)'),
};

/** A newer version's value, or a damaged one: it is never overwritten. */
export class UnreadableValue extends Error {}

/**
 * The leader's writes. Each is one CAS at a revision that was read, and what the server acknowledged is folded at once.
 * A write without an answer is read again before anything else is decided about its key.
 */
export class Store {
  readonly #options: StoreOptions;
  readonly #encoder = new TextEncoder();
  readonly #decoder = new TextDecoder();

  constructor(options: StoreOptions) {
    this.#options = options;
  }

  async readEpisode(feed: FeedId, episode: EpisodeId): Promise<Read<EpisodeState>> {
    const entry = await this.#read(jobKey(feed, episode));
    if (entry?.kind !== 'value') return { record: null, revision: entry?.revision ?? 0 };
    const state = decodeEpisode(this.#decoder.decode(entry.value));
    if (!state.ok)
      throw new UnreadableValue(`the state of episode ${episode} cannot be read: ${state.error}`);
    return { record: state.value, revision: entry.revision };
  }

  /** Writes a first value, expecting none; `conflict` when the episode is known already. */
  createEpisode(feed: FeedId, episode: EpisodeId, state: EpisodeState): Promise<CasOutcome> {
    return this.#write(jobKey(feed, episode), 0, this.#encoder.encode(encodeEpisode(state)));
  }

  /** One CAS at the revision that the snapshot saw: it wins only if nothing happened since. */
  async moveAt(
    at: { feed: FeedId; episode: EpisodeId; revision: number; state: EpisodeState },
    stage: Stage,
    step: Move,
  ): Promise<MoveOutcome> {
    const nonce = this.#options.newNonce();
    const after = move(at.state, stage, step, nonce, this.#options.retry);
    if (!after.ok) return { kind: 'declined', reason: after.error, state: at.state };
    const key = jobKey(at.feed, at.episode);
    const written = await this.#write(
      key,
      at.revision,
      this.#encoder.encode(encodeEpisode(after.value)),
    );
    switch (written.kind) {
      case 'written':
        return { kind: 'moved', state: after.value, revision: written.revision };
      case 'conflict':
        return { kind: 'declined', reason: 'somebody wrote first', state: null };
      case 'unknown':
        return this.#afterDoubt(at.feed, at.episode, nonce, written.cause);
    }
  }

  /**
   * Reads, asks what to do, and writes at the revision read, again while somebody else is faster.
   * `decide` may be called several times; null declines.
   */
  async moveEpisode(
    feed: FeedId,
    episode: EpisodeId,
    stage: Stage,
    decide: (state: EpisodeState) => Move | null,
  ): Promise<MoveOutcome> {
    for (let tries = 0; tries < TRIES_MAX; tries += 1) {
      const { record: state, revision } = await this.readEpisode(feed, episode);
      if (state === null)
        return { kind: 'declined', reason: 'the episode is not known', state: null };
      const step = decide(state);
      if (step === null) return { kind: 'declined', reason: 'nothing to do', state };
      const outcome = await this.moveAt({ feed, episode, revision, state }, stage, step);
      if (outcome.kind !== 'declined' || outcome.state !== null) return outcome;
    }
    return { kind: 'given_up', reason: `${TRIES_MAX} writes in a row came second` };
  }

  async readFeed(feed: FeedId): Promise<Read<FeedRecord>> {
    return this.#decode(await this.#read(feedKey(feed)), feedRecord.decode);
  }

  casFeed(record: FeedRecord, expected: number): Promise<CasOutcome> {
    return this.#write(feedKey(record.feed), expected, feedRecord.encode(record));
  }

  async readSession(agent: AgentId): Promise<Read<SessionRecord>> {
    return this.#decode(await this.#read(sessionKey(agent)), sessionRecord.decode);
  }

  casSession(record: SessionRecord, expected: number): Promise<CasOutcome> {
    return this.#write(sessionKey(record.agent), expected, sessionRecord.encode(record));
  }

  async readCordon(agent: AgentId): Promise<Read<CordonRecord>> {
    return this.#decode(await this.#read(cordonKey(agent)), cordonRecord.decode);
  }

  casCordon(record: CordonRecord, expected: number): Promise<CasOutcome> {
    return this.#write(cordonKey(record.agent), expected, cordonRecord.encode(record));
  }

  async readHost(host: HostName): Promise<Read<HostRecord>> {
    return this.#decode(await this.#read(hostKey(host)), hostRecord.decode);
  }

  casHost(record: HostRecord, expected: number): Promise<CasOutcome> {
    return this.#write(hostKey(record.host), expected, hostRecord.encode(record));
  }

  casFeedHost(record: FeedHostRecord, expected: number): Promise<CasOutcome> {
    return this.#write(feedHostKey(record.feed), expected, feedHostRecord.encode(record));
  }

  async readMeta(feed: FeedId, episode: EpisodeId): Promise<EpisodeMeta | null> {
    const entry = await this.#options.meta.get(metaKey(feed, episode));
    return this.#decode(entry, episodeMeta.decode).record;
  }

  async putMeta(feed: FeedId, episode: EpisodeId, meta: EpisodeMeta): Promise<void> {
    await this.#options.meta.put(metaKey(feed, episode), episodeMeta.encode(meta));
  }

  /** A part of a feed's ledger. Rejects with UnreadableValue: a newer version's is never overwritten. */
  async readLedgerPart(feed: FeedId, part: number): Promise<Read<readonly LedgerEntry[]>> {
    const decode = (data: Uint8Array) => decodeChunk(this.#decoder.decode(data));
    return this.#decode(await this.#options.meta.get(ledgerKey(feed, part)), decode);
  }

  async casLedgerPart(
    feed: FeedId,
    part: number,
    entries: readonly LedgerEntry[],
    expected: number,
  ): Promise<CasOutcome> {
    if (!this.#options.mayWrite()) return NOT_LEADING;
    const value = this.#encoder.encode(encodeChunk(entries));
    return this.#options.meta.cas(ledgerKey(feed, part), expected, value);
  }

  /** Whether the term is trusted: what cannot be undone is asked for no longer than that. */
  mayWrite(): boolean {
    return this.#options.mayWrite();
  }

  newNonce(): Nonce {
    return this.#options.newNonce();
  }

  cluster(): ClusterId {
    const { cluster } = this.#options.replica.snapshot;
    if (cluster === null) throw new Error('the cluster id is read before anything is written');
    return cluster;
  }

  async #read(key: string): Promise<KvEntry | null> {
    const entry = await this.#options.state.get(key);
    if (entry !== null) this.#options.replica.entry(entry);
    return entry;
  }

  async #write(key: string, expected: number, value: Uint8Array): Promise<CasOutcome> {
    if (!this.#options.mayWrite()) return NOT_LEADING;
    const outcome = await this.#options.state.cas(key, expected, value);
    if (outcome.kind === 'written')
      this.#options.replica.entry({ kind: 'value', key, revision: outcome.revision, value });
    return outcome;
  }

  async #afterDoubt(
    feed: FeedId,
    episode: EpisodeId,
    nonce: Nonce,
    cause: Error,
  ): Promise<MoveOutcome> {
    try {
      const { record, revision } = await this.readEpisode(feed, episode);
      // Not there yet is not proof: it may land late, and then it lands as our own move, or its CAS fails.
      if (record?.nonce === nonce) return { kind: 'moved', state: record, revision };
    } catch {
      // The server does not answer; the tail will tell.
    }
    return { kind: 'given_up', reason: cause.message };
  }

  #decode<T>(
    entry: KvEntry | null,
    decode: (data: Uint8Array) => { ok: true; value: T } | { ok: false; error: string },
  ): Read<T> {
    if (entry?.kind !== 'value') return { record: null, revision: entry?.revision ?? 0 };
    const decoded = decode(entry.value);
    if (!decoded.ok) throw new UnreadableValue(`${entry.key} cannot be read: ${decoded.error}`);
    return { record: decoded.value, revision: entry.revision };
  }
}
