import { createHash } from 'node:crypto';
import { encodeEpisode } from '@podctl/domain/episode-codec.ts';
import { decodeChunk } from '@podctl/domain/feed/ledger-entry.ts';
import type { FeedId } from '@podctl/domain/ids.ts';
import {
  CLUSTER_KEY,
  cordonKey,
  feedKey,
  jobKey,
  ledgerKey,
  metaKey,
  sessionKey,
} from '@podctl/domain/key.ts';
import { type BackupEntry, entryLine, headerLine, trailerLine } from '../core/backup.ts';
import type { EpisodeRow, Snapshot } from '../core/snapshot.ts';

export interface BackupSourceOptions {
  /** As it is at each call; the state must have been loaded. */
  snapshot(): Snapshot;
  /** The value of a key as it is; null when there is none. */
  value(bucket: BackupEntry['bucket'], key: string): Promise<string | null>;
  nowMs(): number;
  readonly version: string;
}

export type BackupNews =
  | {
      readonly kind: 'piece';
      readonly data: Uint8Array;
      readonly keys: number;
      readonly total: number;
    }
  | ({ readonly kind: 'summary' } & BackupCounts);

export interface BackupCounts {
  readonly cluster: string;
  readonly revision: number;
  readonly keys: number;
  readonly episodes: number;
  readonly feeds: number;
  readonly sha256: string;
}

/** Values asked for at a time. One after the other, a million of them would take an hour. */
const AT_ONCE = 128;
const PIECE_BYTES_MIN = 64 * 1_024;
/** More than the largest ledger has. */
const LEDGER_PARTS_MAX = 1_000;

/**
 * A backup in pieces, from the snapshot that the tail keeps: no more of it than a piece is ever in memory twice. Each key
 * is whole; two keys may be of different moments, as they may be to any reader of the bucket.
 */
export class BackupSource {
  readonly #options: BackupSourceOptions;
  readonly #signal: AbortSignal;
  readonly #hash = createHash('sha256');
  readonly #encoder = new TextEncoder();
  #text = '';
  #sentAsItIs: ReadonlySet<string> = new Set();
  #keys = 0;
  #episodes = 0;
  #feeds = 0;

  constructor(options: BackupSourceOptions, signal: AbortSignal) {
    this.#options = options;
    this.#signal = signal;
  }

  /** Rejects when the fleet has no name yet, or a value cannot be read. */
  async *run(): AsyncGenerator<BackupNews> {
    const { nowMs, version } = this.#options;
    const { cluster, revision, feeds } = this.#options.snapshot();
    if (cluster === null) throw new Error('broken invariant: a loaded state names its cluster');
    const counts = { episodes: this.#countEpisodes(), feeds: feeds.size };
    const time = new Date(nowMs()).toISOString();
    this.#text = headerLine({ cluster, revision, time, podctl: version, ...counts });
    yield* this.#few();
    yield* this.#all();
    yield* this.#flush(0);
    const sha256 = this.#hash.copy().digest('hex');
    this.#text = trailerLine({ keys: this.#keys, sha256 });
    yield* this.#flush(0);
    const summary = { cluster: String(cluster), revision, keys: this.#keys, sha256 };
    yield { kind: 'summary', ...summary, episodes: this.#episodes, feeds: this.#feeds };
  }

  /** Feeds, sessions, cordons, and what this version cannot read: a newer one's, which is kept as it is. */
  async *#few(): AsyncGenerator<BackupNews> {
    const { feeds, sessions, cordons, unreadable } = this.#options.snapshot();
    const named = [...feeds.values()].filter(({ record }) => record !== null);
    this.#feeds = named.length;
    const keys = new Set([
      ...named.map(({ id }) => feedKey(id)),
      ...[...sessions.keys()].map((agent) => sessionKey(agent)),
      ...[...cordons.keys()].map((agent) => cordonKey(agent)),
      ...unreadable.keys(),
    ]);
    keys.delete(CLUSTER_KEY);
    this.#sentAsItIs = keys;
    const all = [...keys];
    for (let i = 0; i < all.length; i += AT_ONCE) {
      const some = all.slice(i, i + AT_ONCE);
      await this.#addValues(some.map((key) => ({ bucket: 'state', key })));
      yield* this.#flush(PIECE_BYTES_MIN);
    }
  }

  async *#all(): AsyncGenerator<BackupNews> {
    for (const { id, episodes } of this.#options.snapshot().feeds.values()) {
      // Before its episodes: one that the ledger has and the state has not is made again by the next fold.
      yield* this.#ledger(id);
      let rows: EpisodeRow[] = [];
      for (const row of episodes.values()) {
        rows.push(row);
        if (rows.length < AT_ONCE) continue;
        await this.#addEpisodes(rows);
        yield* this.#flush(PIECE_BYTES_MIN);
        rows = [];
      }
      await this.#addEpisodes(rows);
      yield* this.#flush(PIECE_BYTES_MIN);
    }
  }

  /** With what is known of filtered episodes: they have no state by which they would be found. */
  async *#ledger(feed: FeedId): AsyncGenerator<BackupNews> {
    for (let part = 0; part < LEDGER_PARTS_MAX; part += 1) {
      this.#signal.throwIfAborted();
      const key = ledgerKey(feed, part);
      const value = await this.#options.value('meta', key);
      if (value === null) return;
      this.#add({ bucket: 'meta', key, value });
      const entries = decodeChunk(value);
      const filtered = entries.ok ? entries.value.filter(({ isFiltered }) => isFiltered) : [];
      for (let i = 0; i < filtered.length; i += AT_ONCE) {
        const some = filtered.slice(i, i + AT_ONCE);
        await this.#addValues(
          some.map(({ episode }) => ({ bucket: 'meta', key: metaKey(feed, episode) })),
        );
        yield* this.#flush(PIECE_BYTES_MIN);
      }
      yield* this.#flush(PIECE_BYTES_MIN);
    }
  }

  async #addEpisodes(rows: readonly EpisodeRow[]): Promise<void> {
    const { unreadable } = this.#options.snapshot();
    const asTheyAre: Pick<BackupEntry, 'bucket' | 'key'>[] = [];
    for (const { feed, episode, state } of rows) {
      const key = jobKey(feed, episode);
      this.#episodes += 1;
      if (!unreadable.has(key)) this.#add({ bucket: 'state', key, value: encodeEpisode(state) });
      // It came to be so since the few were sent.
      else if (!this.#sentAsItIs.has(key)) asTheyAre.push({ bucket: 'state', key });
    }
    await this.#addValues([
      ...asTheyAre,
      ...rows.map(
        ({ feed, episode }) => ({ bucket: 'meta', key: metaKey(feed, episode) }) as const,
      ),
    ]);
  }

  async #addValues(of: readonly Pick<BackupEntry, 'bucket' | 'key'>[]): Promise<void> {
    this.#signal.throwIfAborted();
    const values = await Promise.all(of.map(({ bucket, key }) => this.#options.value(bucket, key)));
    for (const [i, { bucket, key }] of of.entries()) {
      const value = values[i] ?? null;
      if (value !== null) this.#add({ bucket, key, value });
    }
  }

  #add(entry: BackupEntry): void {
    this.#text += entryLine(entry);
    this.#keys += 1;
  }

  *#flush(lengthMin: number): Generator<BackupNews> {
    if (this.#text.length <= lengthMin) return;
    const data = this.#encoder.encode(this.#text);
    this.#text = '';
    this.#hash.update(data);
    const total = Math.max(this.#keys, 2 * this.#countEpisodes() + this.#feeds);
    yield { kind: 'piece', data, keys: this.#keys, total };
  }

  #countEpisodes(): number {
    let count = 0;
    for (const { episodes } of this.#options.snapshot().feeds.values()) count += episodes.size;
    return count;
  }
}
