import { createHash } from 'node:crypto';
import { encodeEpisode } from '@podctl/domain/episode-codec.ts';
import { keptRun } from '@podctl/domain/episode-state.ts';
import { decodeChunk } from '@podctl/domain/feed/ledger-entry.ts';
import type { FeedId } from '@podctl/domain/ids.ts';
import {
  CLUSTER_KEY,
  cordonKey,
  feedHostKey,
  feedKey,
  hostKey,
  jobKey,
  ledgerKey,
  metaKey,
  sessionKey,
} from '@podctl/domain/key.ts';
import { acceptedFolder } from '@podctl/domain/library-path.ts';
import { decodeManifest, MANIFEST_NAME } from '@podctl/domain/manifest.ts';
import { type Library, LibraryError } from '@podctl/platform/library.ts';
import { type BackupEntry, entryLine, fileLine, headerLine, trailerLine } from '../core/backup.ts';
import type { EpisodeRow, Snapshot } from '../core/snapshot.ts';

export interface BackupSourceOptions {
  /** As it is at each call; the state must have been loaded. */
  snapshot(): Snapshot;
  /** The value of a key as it is; null when there is none. */
  value(bucket: BackupEntry['bucket'], key: string): Promise<string | null>;
  nowMs(): number;
  readonly version: string;
  /** The texts of what is transcribed come along, out of this; null: they do not. */
  readonly library: Pick<Library, 'readSmall'> | null;
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
  /** Episodes whose transcripts are in it. */
  readonly transcripts: number;
  /** Those whose transcripts could not be read. */
  readonly unreadTranscripts: number;
}

/** Values asked for at a time. One after the other, a million of them would take an hour. */
const AT_ONCE = 128;
const PIECE_BYTES_MIN = 64 * 1_024;
/** Of a file's text in a line; the longest line that is read has four times as much. */
const PART_LENGTH = 512 * 1_024;
/** Thirty hours of speech, with the times of all words. */
const FILE_BYTES_MAX = 32 * 1_024 * 1_024;
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
  #transcripts = 0;
  #unreadTranscripts = 0;

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
    this.#text = headerLine({
      ...{ cluster, revision, time, podctl: version, ...counts },
      ...(this.#options.library === null ? {} : { transcripts: true }),
    });
    yield* this.#few();
    yield* this.#all();
    yield* this.#texts();
    yield* this.#flush(0);
    const sha256 = this.#hash.copy().digest('hex');
    this.#text = trailerLine({ keys: this.#keys, sha256 });
    yield* this.#flush(0);
    const summary = { cluster: String(cluster), revision, keys: this.#keys, sha256 };
    const texts = { transcripts: this.#transcripts, unreadTranscripts: this.#unreadTranscripts };
    yield { kind: 'summary', ...summary, ...texts, episodes: this.#episodes, feeds: this.#feeds };
  }

  /** Feeds, sessions, cordons, and what this version cannot read: a newer one's, which is kept as it is. */
  async *#few(): AsyncGenerator<BackupNews> {
    const { feeds, sessions, cordons, hosts, unreadable } = this.#options.snapshot();
    const named = [...feeds.values()].filter(({ record }) => record !== null);
    this.#feeds = named.length;
    const keys = new Set([
      ...named.map(({ id }) => feedKey(id)),
      ...[...sessions.keys()].map((agent) => sessionKey(agent)),
      ...[...cordons.keys()].map((agent) => cordonKey(agent)),
      ...[...hosts.keys()].map((host) => hostKey(host)),
      ...named.map(({ id }) => feedHostKey(id)),
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

  async *#texts(): AsyncGenerator<BackupNews> {
    const { library } = this.#options;
    if (library === null) return;
    for (const { record, episodes, tally } of this.#options.snapshot().feeds.values()) {
      if (record?.removed === true || tally.done.transcribe === 0) continue;
      for (const row of episodes.values()) {
        this.#signal.throwIfAborted();
        if (keptRun(row.state.stages.transcribe) !== null) yield* this.#textsOf(library, row);
      }
    }
  }

  /** The manifest comes last: where it is, the others are. One that cannot be read is counted, and left out. */
  async *#textsOf(
    library: Pick<Library, 'readSmall'>,
    { feed, episode, state }: EpisodeRow,
  ): AsyncGenerator<BackupNews> {
    const { done } = state.stages.transcribe;
    if (done === null) return;
    const folder = acceptedFolder(feed, episode, 'transcribe', done.run, done.token);
    const files: (readonly [path: string, text: string])[] = [];
    try {
      const read = async (name: string) => {
        const bytes = await library.readSmall(`${folder}/${name}`, FILE_BYTES_MAX);
        return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
      };
      const text = await read(MANIFEST_NAME);
      const manifest = decodeManifest(text);
      if (!manifest.ok) throw new Error(manifest.error);
      for (const { name } of manifest.value.files)
        files.push([`${folder}/${name}`, await read(name)]);
      files.push([`${folder}/${MANIFEST_NAME}`, text]);
    } catch (error) {
      if (error instanceof LibraryError && error.code === 'offline') throw error;
      this.#unreadTranscripts += 1;
      return;
    }
    this.#transcripts += 1;
    for (const [path, text] of files) yield* this.#file(path, text);
  }

  *#file(path: string, text: string): Generator<BackupNews> {
    for (let from = 0; ; ) {
      // A pair of surrogates is not cut: each line is UTF-8 for itself.
      let to = Math.min(text.length, from + PART_LENGTH);
      if (to < text.length && /[\ud800-\udbff]/.test(text.charAt(to - 1))) to += 1;
      const isLast = to >= text.length;
      this.#text += fileLine({ path, text: text.slice(from, to), isLast });
      yield* this.#flush(PIECE_BYTES_MIN);
      if (isLast) return;
      from = to;
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
