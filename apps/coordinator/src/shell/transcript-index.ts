import { mkdir, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { FeedId } from '@podctl/domain/ids.ts';
import type { Clock } from '@podctl/platform/clock.ts';
import type { FleetEvent } from '../core/event.ts';
import { episodeRow, type Snapshot } from '../core/snapshot.ts';
import { aborted } from './aborted.ts';
import type { Fleet } from './fleet.ts';
import type { Logger } from './logger.ts';
import { Loop } from './loop.ts';
import type { IndexSearch } from './transcript-index-file.ts';
import { IndexError, TranscriptIndexThread } from './transcript-index-thread.ts';
import type { SnippetHit, TranscriptToIndex } from './transcript-index-worker.ts';
import {
  type EpisodeName,
  isSearchable,
  readTranscript,
  transcribedEpisodes,
} from './transcript-source.ts';

export interface TranscriptIndexOptions {
  /** Where its file is kept. */
  readonly folder: string;
  readonly fleet: Pick<Fleet, 'picture' | 'info' | 'isLoaded' | 'library' | 'meta' | 'onChange'>;
  readonly clock: Clock;
  readonly log: Logger;
  /** Told how long each search took. */
  readonly searched?: (seconds: number) => void;
}

/** How much of what is transcribed can be found. */
export interface IndexStatus {
  readonly indexed: number;
  /** Transcribed episodes that are not found, or with an older text. */
  readonly behind: number;
  /** Transcripts that could not be indexed, and faults of the file, since the start. */
  readonly errors: number;
}

export interface FoundPassages {
  readonly hits: readonly SnippetHit[];
  /** To go on after; null at the end. */
  readonly after: number | null;
}

/** What the API asks. */
export interface TranscriptSearch {
  /** Rejects with `IndexError`, or the signal's reason. */
  search(search: IndexSearch, signal: AbortSignal): Promise<FoundPassages>;
  status(): IndexStatus;
}

const FILE = 'search.sqlite';
const TICK_MS = 10_000;
const SPACING_MS = 250;
/** All that is done is compared with all that is indexed at the start, and as often: events may have been missed. */
const ROUND_EVERY_MS = 3_600_000;
const LOOKED_AT_MAX = 500;
/** Of one write; a large one costs memory, and a small one a sync of the disk for each episode. */
const EPISODES_A_WRITE = 16;
const BYTES_A_WRITE = 8 * 1_024 * 1_024;
const CHANGED_MAX = 10_000;
const PASSED_OVER_MAX = 1_000;
/** FTS5 may merge hundreds of megabytes in one write. */
const WRITE_MS_MAX = 120_000;
const SEARCH_MS_MAX = 5_000;
const SEARCHES_MAX = 32;

/**
 * Full text search, kept by each coordinator for itself in a file of its own, which can be made again from the library at
 * any time. One thread writes and one reads, so that a search waits for no write. What is done is known from the state
 * alone: each indexed episode carries its token.
 */
export class TranscriptIndex extends Loop implements TranscriptSearch {
  readonly #options: TranscriptIndexOptions;
  readonly #path: string;
  readonly #changed = new Map<string, EpisodeName>();
  #writer: TranscriptIndexThread | null = null;
  #reader: TranscriptIndexThread | null = null;
  #cluster = '';
  #indexed = 0;
  #errors = 0;
  #roundDueMs = Number.NEGATIVE_INFINITY;
  /** Until when a transcript is not tried again with which the file could not be written. */
  readonly #passedOver = new Map<string, number>();
  /** Of the threads that were closed. */
  #ended: Promise<unknown> = Promise.resolve();
  /** The removed feeds at the begin of the newest round, and those whose episodes were taken out since. */
  #removed: ReadonlySet<FeedId> = new Set();
  #taken: ReadonlySet<FeedId> = new Set();
  #isDamaged = false;
  #forget = () => {};

  constructor(options: TranscriptIndexOptions) {
    const { clock, log } = options;
    super('transcript index', { clock, log, tickMs: TICK_MS, spacingMs: SPACING_MS });
    this.#options = options;
    this.#path = join(options.folder, FILE);
  }

  override async start(): Promise<void> {
    this.#forget = this.#options.fleet.onChange(() => {
      if (this.#changed.size > 0 || this.#writer === null) this.kick();
    });
    await super.start();
  }

  override async stop(): Promise<void> {
    this.#forget();
    await super.stop();
    await this.#close();
  }

  /** Takes note of what was transcribed, and of feeds that went or came back. */
  noted(events: readonly FleetEvent[]): void {
    for (const { type, stage, feed, episode } of events) {
      // A feed that went or came back, perhaps: the next turn sees it.
      if (feed !== null && episode === null && type !== 'feed_read' && type !== 'feed_failed')
        this.kick();
      if (type !== 'job_done' || stage !== 'transcribe') continue;
      if (feed !== null && episode !== null) this.#changed.set(episode, { feed, episode });
    }
    if (this.#changed.size > CHANGED_MAX) {
      this.#changed.clear();
      this.#roundDueMs = Number.NEGATIVE_INFINITY;
    }
    if (this.#changed.size > 0) this.kick();
  }

  status(): IndexStatus {
    const { snapshot } = this.#options.fleet.picture();
    let done = 0;
    let toRemove = 0;
    for (const { id, record, tally } of snapshot.feeds.values()) {
      if (record?.removed !== true) done += tally.done.transcribe;
      else if (!this.#taken.has(id)) toRemove += tally.done.transcribe;
    }
    // As if all that was removed were in it until it is taken out: better too many than too few.
    const indexed = Math.max(0, this.#indexed - toRemove);
    const behind = Math.max(done - indexed, this.#changed.size);
    return { indexed: this.#indexed, behind, errors: this.#errors };
  }

  async search(search: IndexSearch, signal: AbortSignal): Promise<FoundPassages> {
    const { fleet, clock, searched } = this.#options;
    if (this.#reader === null) throw new IndexError('failed', 'the index is not there yet');
    const startMs = clock.monotonicMs();
    try {
      const { limit } = search;
      const found = await this.#reader.call('search', { ...search, limit: limit + 1 }, signal);
      const page = found.slice(0, limit);
      const { snapshot } = fleet.picture();
      return {
        hits: page.filter(({ feed, episode }) => isSearchable(snapshot, feed, episode)),
        after: found.length > limit ? (page.at(-1)?.id ?? null) : null,
      };
    } catch (error) {
      if (error instanceof IndexError && error.problem === 'damaged') {
        this.#isDamaged = true;
        this.kick();
      }
      throw error;
    } finally {
      searched?.((clock.monotonicMs() - startMs) / 1_000);
    }
  }

  protected override async turn(signal: AbortSignal): Promise<void> {
    const { fleet, clock } = this.#options;
    const { cluster } = fleet.info();
    if (!fleet.isLoaded() || cluster === '') return;
    if ((await fleet.library.check()).kind === 'offline') return;
    try {
      if (this.#isDamaged) throw new IndexError('damaged', 'a search found it damaged');
      if (this.#writer === null || cluster !== this.#cluster) await this.#open(cluster, signal);
      await this.#indexChanged(signal);
      const removed = removedFeeds(fleet.picture().snapshot);
      const isMoved = !isSame(removed, this.#removed);
      if (clock.monotonicMs() < this.#roundDueMs && !isMoved) return;
      this.#removed = removed;
      this.#taken = new Set([...this.#taken].filter((id) => removed.has(id)));
      this.#roundDueMs = clock.monotonicMs() + ROUND_EVERY_MS;
      await this.#round(signal);
    } catch (error) {
      // What was taken from the list of changes and not indexed is found by a round.
      this.#roundDueMs = Number.NEGATIVE_INFINITY;
      if (error instanceof IndexError) await this.#recover(error);
      throw error;
    }
  }

  async #open(cluster: string, signal: AbortSignal): Promise<void> {
    await this.#close();
    // A thread within SQLite cannot be cut short, and two that write would wait for each other.
    await Promise.race([this.#ended, aborted(signal)]);
    await mkdir(this.#options.folder, { recursive: true, mode: 0o700 });
    signal.throwIfAborted();
    this.#cluster = cluster;
    const { name } = this;
    this.#writer = new TranscriptIndexThread({
      ...{ name, path: this.#path, opening: { kind: 'write', cluster } },
      ...{ callMsMax: WRITE_MS_MAX, queueMax: 1 },
    });
    this.#indexed = await this.#writer.call('episodes', null, signal);
    this.#reader = new TranscriptIndexThread({
      ...{ name: 'transcript search', path: this.#path, opening: { kind: 'read' } },
      ...{ callMsMax: SEARCH_MS_MAX, queueMax: SEARCHES_MAX },
    });
    this.#roundDueMs = Number.NEGATIVE_INFINITY;
    this.#taken = new Set();
  }

  async #close(): Promise<void> {
    const threads = [this.#writer, this.#reader];
    this.#writer = null;
    this.#reader = null;
    await Promise.all(threads.map((thread) => thread?.stop()));
    this.#ended = Promise.all([this.#ended, ...threads.map((thread) => thread?.ended())]);
  }

  /** A damaged file is set aside, for whoever wants to look at it; the next turn makes a new one. */
  async #recover({ problem, message }: IndexError): Promise<void> {
    if (problem === 'stopped') return;
    const { log } = this.#options;
    this.#errors += 1;
    await this.#close();
    if (problem === 'failed' || problem === 'slow' || problem === 'busy') return;
    this.#isDamaged = false;
    this.#indexed = 0;
    if (problem === 'damaged') {
      const aside = `${this.#path}.damaged`;
      await rename(this.#path, aside).catch(() => undefined);
      log.warn(
        { reason: message, aside },
        'the search index is damaged: it is set aside, and built anew from the library',
      );
    } else log.info({ reason: message }, 'the search index is built anew from the library');
    for (const end of ['', '-wal', '-shm']) await rm(`${this.#path}${end}`, { force: true });
    this.kick();
  }

  async #indexChanged(signal: AbortSignal): Promise<void> {
    const { fleet } = this.#options;
    const { snapshot } = fleet.picture();
    // A commit is told before its files have their place: those wait.
    const ready = [...this.#changed.values()].filter(({ feed, episode }) => {
      const state = episodeRow(snapshot, feed, episode)?.state;
      return state?.stages.transcribe.lock.state !== 'committed';
    });
    await this.#index(ready, signal, ({ episode }) => this.#changed.delete(episode));
  }

  async #round(signal: AbortSignal): Promise<void> {
    const { snapshot } = this.#options.fleet.picture();
    for (const done of transcribedEpisodes(snapshot, LOOKED_AT_MAX)) {
      const names = done.map(({ episode }) => episode);
      const tokens = await this.#write().call('tokens', names, signal);
      await this.#index(
        done.filter(({ token }, i) => token !== tokens[i]),
        signal,
      );
      // News first: a large archive takes a while.
      await this.#indexChanged(signal);
    }
    await this.#removeUnknown(signal);
  }

  async #removeUnknown(signal: AbortSignal): Promise<void> {
    for (let after = '', isMore = true; isMore; ) {
      const names = await this.#write().call('names', { after, limit: LOOKED_AT_MAX }, signal);
      const { snapshot } = this.#options.fleet.picture();
      const gone = names.filter(({ feed, episode }) => !isSearchable(snapshot, feed, episode));
      for (let i = 0; i < gone.length; i += EPISODES_A_WRITE) {
        const ids = gone.slice(i, i + EPISODES_A_WRITE).map(({ episode }) => episode);
        this.#indexed = (await this.#write().call('remove', ids, signal)).episodes;
      }
      after = names.at(-1)?.episode ?? '';
      isMore = names.length === LOOKED_AT_MAX;
    }
    this.#taken = this.#removed;
  }

  /** In writes of a few, with as much rest as work between them: what is shown and planned goes first. */
  async #index(
    names: readonly EpisodeName[],
    signal: AbortSignal,
    over: (name: EpisodeName) => void = () => {},
  ): Promise<void> {
    const { fleet, clock } = this.#options;
    let batch: TranscriptToIndex[] = [];
    let bytes = 0;
    let startMs = clock.monotonicMs();
    for (const [i, name] of names.entries()) {
      signal.throwIfAborted();
      // Before it is read: what changes meanwhile is told again.
      over(name);
      const read = await readTranscript(fleet, name);
      if (read.kind === 'unreadable') this.#complain(name.episode, read.problem);
      if (read.kind === 'transcript' && !this.#isPassedOver(read.transcript)) {
        batch.push(read.transcript);
        bytes += read.transcript.json.byteLength;
      }
      const isLast = i === names.length - 1;
      if (!isLast && batch.length < EPISODES_A_WRITE && bytes < BYTES_A_WRITE) continue;
      await this.#put(batch, signal);
      batch = [];
      bytes = 0;
      if (!isLast) await clock.sleep(clock.monotonicMs() - startMs, signal);
      startMs = clock.monotonicMs();
    }
  }

  async #put(batch: readonly TranscriptToIndex[], signal: AbortSignal): Promise<void> {
    if (batch.length === 0) return;
    const failed = await this.#putEach(batch, signal);
    const [first] = failed;
    // None at all: that is the file's trouble, and not theirs.
    if (first !== undefined && failed.length === batch.length && failed.length > 1)
      throw first.error;
    for (const { transcript, error } of failed) this.#passOver(transcript, error);
  }

  /** Halves what cannot be written, so that one transcript does not keep the others out; gives those that cannot. */
  async #putEach(
    batch: readonly TranscriptToIndex[],
    signal: AbortSignal,
  ): Promise<{ readonly transcript: TranscriptToIndex; readonly error: IndexError }[]> {
    const writer = this.#write();
    try {
      const { episodes, unread } = await writer.call('put', batch, signal);
      this.#indexed = episodes;
      for (const { episode, problem } of unread) this.#complain(episode, problem);
      return [];
    } catch (error) {
      if (
        !(error instanceof IndexError) ||
        (error.problem !== 'failed' && error.problem !== 'slow')
      )
        throw error;
      await Promise.race([writer.ended(), aborted(signal)]);
      signal.throwIfAborted();
      const [transcript, ...others] = batch;
      if (transcript === undefined) return [];
      if (others.length === 0) return [{ transcript, error }];
      const half = batch.length >> 1;
      return [
        ...(await this.#putEach(batch.slice(0, half), signal)),
        ...(await this.#putEach(batch.slice(half), signal)),
      ];
    }
  }

  #passOver({ episode, token }: TranscriptToIndex, { message }: IndexError): void {
    if (this.#passedOver.size >= PASSED_OVER_MAX) this.#passedOver.clear();
    const untilMs = this.#options.clock.monotonicMs() + ROUND_EVERY_MS;
    this.#passedOver.set(`${episode} ${token}`, untilMs);
    this.#complain(episode, message);
  }

  #isPassedOver({ episode, token }: TranscriptToIndex): boolean {
    const untilMs = this.#passedOver.get(`${episode} ${token}`) ?? Number.NEGATIVE_INFINITY;
    return this.#options.clock.monotonicMs() < untilMs;
  }

  #complain(episode: string, problem: string): void {
    this.#errors += 1;
    const { log } = this.#options;
    log.warn(
      { episode, reason: problem },
      'a transcript cannot be indexed: it is not found by search',
    );
  }

  #write(): TranscriptIndexThread {
    if (this.#writer === null) throw new IndexError('stopped', 'the index is closed');
    return this.#writer;
  }
}

function removedFeeds({ feeds }: Snapshot): ReadonlySet<FeedId> {
  const removed = new Set<FeedId>();
  for (const { id, record } of feeds.values()) if (record?.removed === true) removed.add(id);
  return removed;
}

function isSame(one: ReadonlySet<FeedId>, other: ReadonlySet<FeedId>): boolean {
  return one.size === other.size && [...one].every((id) => other.has(id));
}
