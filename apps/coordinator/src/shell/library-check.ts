import { randomUUID } from 'node:crypto';
import type { FeedId } from '@podctl/domain/ids.ts';
import { EPISODES_ROOT } from '@podctl/domain/library-path.ts';
import { MANIFEST_NAME } from '@podctl/domain/manifest.ts';
import type { RunToRepeat } from '@podctl/domain/order.ts';
import type { Clock } from '@podctl/platform/clock.ts';
import { type Library, LibraryError, type ListedFile } from '@podctl/platform/library.ts';
import { episodeRow, type FeedRow, type Snapshot } from '../core/snapshot.ts';
import {
  type Accepted,
  acceptedOf,
  compare,
  type Finding,
  type FoundFile,
  isInputOfMore,
  isKnownPath,
  placeOfPath,
  REMOVED_NAME,
  takenAway,
  whyNotRepair,
} from '../core/verify.ts';
import { readManifest } from './settle.ts';

export interface LibraryCheckOptions {
  readonly library: Library;
  readonly clock: Clock;
  /** As it is at each call. */
  snapshot(): Snapshot;
  /** Asks for runs to be done once more; gives how many were not asked for before. */
  repeat(request: string, runs: readonly RunToRepeat[]): Promise<number>;
}

export interface CheckRequest {
  /** Sizes only. */
  readonly quick: boolean;
  readonly repair: boolean;
  readonly force: boolean;
}

export type CheckNews =
  | {
      readonly kind: 'progress';
      readonly checked: number;
      readonly total: number;
      readonly bytes: number;
    }
  | { readonly kind: 'finding'; readonly finding: Finding }
  | ({ readonly kind: 'summary' } & CheckSummary);

export interface CheckSummary {
  readonly checked: number;
  readonly damaged: number;
  readonly missing: number;
  readonly unknown: number;
  readonly bytes: number;
  readonly requested: number;
  readonly repairRefused: string;
  /** Results that were not compared: nobody wants their feeds, and what is wrong with them is not done again. */
  readonly ofRemovedFeeds: number;
}

const PROGRESS_MS = 1_000;
const UNREADABLE: FoundFile = { sizeBytes: null, sha256: null };
const ROWS_A_BREATH = 1_000;
const FILES_A_PAGE = 10_000;
const REMOVED_BYTES_MAX = 64 * 1_024;

/**
 * Compares the ledger with the library: first every accepted result with its files, then every file with the ledger.
 * Rejects with LibraryError `offline` when the library goes away: what cannot be looked at is not missing.
 */
export class LibraryCheck {
  readonly #options: LibraryCheckOptions;
  readonly #request: CheckRequest;
  readonly #signal: AbortSignal;
  #checked = 0;
  #total = 0;
  #bytes = 0;
  #missing = 0;
  #unknown = 0;
  #ofRemovedFeeds = 0;
  #toldAtMs = Number.NEGATIVE_INFINITY;
  readonly #damaged: Accepted[] = [];

  constructor(options: LibraryCheckOptions, request: CheckRequest, signal: AbortSignal) {
    this.#options = options;
    this.#request = request;
    this.#signal = signal;
  }

  async *run(): AsyncGenerator<CheckNews> {
    const { feeds } = this.#options.snapshot();
    for (const { record, tally } of feeds.values()) {
      const results = tally.done.download + tally.done.transcribe;
      if (record?.removed === true) this.#ofRemovedFeeds += results;
      else this.#total += results;
    }
    for (const [feed, { record, episodes, tally }] of feeds)
      if (record?.removed !== true && tally.done.download + tally.done.transcribe > 0)
        yield* this.#checkFeed(feed, episodes);
    yield* this.#unknownFiles();
    yield { kind: 'summary', ...(await this.#summary()) };
  }

  async *#checkFeed(feed: FeedId, episodes: FeedRow['episodes']): AsyncGenerator<CheckNews> {
    let count = 0;
    for (const [episode, row] of episodes) {
      count += 1;
      // A feed of many thousands that are not done yet would keep the loop from everything else.
      if (count % ROWS_A_BREATH === 0) await new Promise((resolve) => setImmediate(resolve));
      const { state } = row;
      for (const of of acceptedOf(feed, episode, state))
        yield* this.#checkOne(of, isInputOfMore(state, of.stage));
    }
  }

  async *#checkOne(of: Accepted, isNeeded: boolean): AsyncGenerator<CheckNews> {
    this.#signal.throwIfAborted();
    const findings = await this.#differences(of, isNeeded);
    // A newer run may have taken its place meanwhile, and what was looked at is history; or its feed was removed.
    if (this.#isRemoved(of.feed)) this.#ofRemovedFeeds += 1;
    else if (this.#isCurrent(of)) {
      this.#checked += 1;
      if (findings.length > 0) this.#damaged.push(of);
      if (findings.some(({ fault }) => fault === 'missing')) this.#missing += 1;
      for (const finding of findings) yield { kind: 'finding', finding };
    }
    yield* this.#progress();
  }

  async #differences(of: Accepted, isNeeded: boolean): Promise<Finding[]> {
    const { library } = this.#options;
    const read = await readManifest(library, of.folder);
    if (!read.ok) {
      const path = `${of.folder}/${MANIFEST_NAME}`;
      const fault = (await library.stat(path)) === null ? 'missing' : 'wrong_sha256';
      return [{ fault, path, of, detail: read.error }];
    }
    const { manifest, ref } = read.value;
    const removed = takenAway(of, manifest, await this.#removed(of.folder), isNeeded);
    const files = new Map<string, FoundFile>();
    for (const { name } of manifest.files) {
      const found = removed.has(name) ? null : await this.#look(`${of.folder}/${name}`);
      if (found !== null) files.set(name, found);
    }
    return compare(of, manifest, ref.sha256, files, removed);
  }

  async #look(path: string): Promise<FoundFile | null> {
    const { library } = this.#options;
    try {
      const found = await library.stat(path);
      if (found === null) return null;
      if (this.#request.quick) return { sizeBytes: found.sizeBytes, sha256: null };
      const recorded = await library.recorded(path);
      if (recorded !== null) return recorded;
      const hashed = await library.hash(path, this.#signal);
      this.#bytes += hashed.sizeBytes;
      return hashed;
    } catch (error) {
      // A bad sector is what this is for: told of this file, and the others are looked at.
      if (!(error instanceof LibraryError) || error.code !== 'io') throw error;
      return UNREADABLE;
    }
  }

  async #removed(folder: string): Promise<ReadonlySet<string>> {
    try {
      const path = `${folder}/${REMOVED_NAME}`;
      const bytes = await this.#options.library.readSmall(path, REMOVED_BYTES_MAX);
      const names: unknown = JSON.parse(new TextDecoder().decode(bytes));
      return new Set(Array.isArray(names) ? names.map(String) : []);
    } catch (error) {
      if (error instanceof SyntaxError) return new Set();
      if (error instanceof LibraryError && error.code !== 'offline') return new Set();
      throw error;
    }
  }

  #isRemoved(feed: FeedId): boolean {
    return this.#options.snapshot().feeds.get(feed)?.record?.removed === true;
  }

  #isCurrent({ feed, episode, stage, done }: Accepted): boolean {
    const now = episodeRow(this.#options.snapshot(), feed, episode)?.state.stages[stage].done;
    return now?.token === done.token && now.run === done.run;
  }

  /** Lists first, then reads the state: the other order would take what is published in between for unknown. */
  async *#unknownFiles(): AsyncGenerator<CheckNews> {
    const { library } = this.#options;
    for (let after = ''; ; ) {
      this.#signal.throwIfAborted();
      const files = await library.list(EPISODES_ROOT, FILES_A_PAGE, after);
      yield* this.#unknownAmong(files);
      yield* this.#progress();
      const last = files.at(-1);
      if (files.length < FILES_A_PAGE || last === undefined) return;
      after = last.path;
    }
  }

  *#unknownAmong(files: readonly ListedFile[]): Generator<CheckNews> {
    for (const { path, sizeBytes } of files) {
      const place = placeOfPath(path);
      const row = place && episodeRow(this.#options.snapshot(), place.feed, place.episode);
      if (isKnownPath(path, row?.state ?? null)) continue;
      this.#unknown += 1;
      const detail = `nothing accepted has it; its size is ${sizeBytes}`;
      yield { kind: 'finding', finding: { fault: 'unknown', path, of: null, detail } };
    }
  }

  async #summary(): Promise<CheckSummary> {
    const { repair, force } = this.#request;
    const refused = repair ? whyNotRepair(this.#missing, this.#checked, force) : null;
    const requested = repair && refused === null ? await this.#repair() : 0;
    return {
      checked: this.#checked,
      damaged: this.#damaged.length,
      missing: this.#missing,
      unknown: this.#unknown,
      bytes: this.#bytes,
      requested,
      repairRefused: refused ?? '',
      ofRemovedFeeds: this.#ofRemovedFeeds,
    };
  }

  #repair(): Promise<number> {
    const wanted = this.#damaged.filter(({ feed }) => !this.#isRemoved(feed));
    const runs = wanted.map(({ feed, episode, stage, done }) => ({
      ...{ feed, episode, stage },
      run: done.run,
    }));
    return this.#options.repeat(`verify-${randomUUID()}`, runs);
  }

  *#progress(): Generator<CheckNews> {
    const nowMs = this.#options.clock.monotonicMs();
    if (nowMs - this.#toldAtMs < PROGRESS_MS) return;
    this.#toldAtMs = nowMs;
    const total = Math.max(this.#total, this.#checked);
    yield { kind: 'progress', checked: this.#checked, total, bytes: this.#bytes };
  }
}
