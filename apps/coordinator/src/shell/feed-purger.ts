import type { Move } from '@podctl/domain/episode-move.ts';
import { type EpisodeState, keptRun } from '@podctl/domain/episode-state.ts';
import type { EpisodeId } from '@podctl/domain/ids.ts';
import { jobKey, parseStateKey } from '@podctl/domain/key.ts';
import {
  EPISODES_ROOT,
  folderOfStaging,
  PODCASTS_ROOT,
  parseStaging,
  STAGING_ROOT,
} from '@podctl/domain/library-path.ts';
import { STAGES, type Stage } from '@podctl/domain/stage.ts';
import { shortIdsIn } from '@podctl/domain/view-ids.ts';
import { type Library, LibraryError, type ListedFile } from '@podctl/platform/library.ts';
import type { FeedRow } from '../core/snapshot.ts';
import { placeOfPath } from '../core/verify.ts';
import type { Logger } from './logger.ts';
import type { Replica } from './replica.ts';
import { type Store, UnreadableValue } from './store.ts';

export interface FeedPurgerOptions {
  readonly store: Store;
  readonly replica: Replica;
  readonly library: Library;
  readonly log: Logger;
}

export interface PurgedFeed {
  /** Removed by this run: files, readable names, attempts. */
  readonly removed: number;
  /** Of the files. */
  readonly bytes: number;
  /** What could not go now: a sentence each. */
  readonly left: readonly string[];
}

/** Reads and removals at a time: each waits for a disk or a store. */
const AT_ONCE = 8;
const FILES_A_PAGE = 10_000;
/** Told of at most; the next turn finds the others. */
const LEFT_MAX = 1_000;
/** A multiple of those at once. */
const EPISODES_A_BREATH = 800;

/**
 * One way through the purge of one feed. In this order, so that a reader never follows anything into nothing, and every step
 * may be repeated: the mark in each episode's key, the readable names, the files below `episodes/<feed>/`, the attempts in
 * staging. What is removed is found by listing the library, never by what a message or a feed says; and of each path the
 * newest state is asked once more, and whether this still leads. An episode that is worked on, or cannot be read, keeps all
 * that it has. Rejects when the library or NATS is away.
 */
export class FeedPurger {
  readonly #options: FeedPurgerOptions;
  readonly #row: FeedRow;
  readonly #signal: AbortSignal;
  readonly #left: string[] = [];
  #removed = 0;
  #bytes = 0;
  #wasCut = false;

  constructor(options: FeedPurgerOptions, row: FeedRow, signal: AbortSignal) {
    this.#options = options;
    this.#row = row;
    this.#signal = signal;
  }

  async run(): Promise<PurgedFeed> {
    const own = `${EPISODES_ROOT}/${this.#row.id}`;
    await this.#mark();
    await this.#removeNames();
    await this.#removeListed(own, (path) => this.#mayGo(placeOfPath(path)?.episode));
    await this.#removeAttempts();
    await this.#removeEmptied([own]);
    await this.#tellKept();
    if (this.#isOver) this.#leave('it was cut off, and is gone on with');
    return { removed: this.#removed, bytes: this.#bytes, left: this.#left };
  }

  /** Once it is, it stays so: what was passed over meanwhile is not looked at again. */
  get #isOver(): boolean {
    this.#wasCut ||= this.#signal.aborted || !this.#options.store.mayWrite();
    return this.#wasCut;
  }

  /** The record of each episode, before anything of it goes. */
  async #mark(): Promise<void> {
    const all = [...this.#row.episodes.keys()];
    for (let i = 0; i < all.length && !this.#isOver; i += AT_ONCE) {
      if (i % EPISODES_A_BREATH === 0) await breath();
      await Promise.all(all.slice(i, i + AT_ONCE).map((episode) => this.#markOne(episode)));
    }
  }

  async #markOne(episode: EpisodeId): Promise<void> {
    const { store } = this.#options;
    // What has its marks, or was never done: nobody reads a key for nothing.
    if (this.#mayGo(episode)) return;
    for (const stage of STAGES)
      await store
        .moveEpisode(this.#row.id, episode, stage, (state) => purgeMove(state, stage))
        .catch((error: unknown) => {
          if (!(error instanceof UnreadableValue)) throw error;
        });
  }

  /** Nobody works on it, and no pointer leads to its files. What is not known at all is nobody's. */
  #mayGo(episode: EpisodeId | undefined): boolean {
    if (episode === undefined) return true;
    const { unreadable } = this.#options.replica.snapshot;
    if (unreadable.has(jobKey(this.#row.id, episode))) return false;
    const row = this.#row.episodes.get(episode);
    return row === undefined || isBare(row.state);
  }

  async #removeNames(): Promise<void> {
    // Eight of 32 letters each: another feed's episode that shares them has its names made again by the view's repair.
    const shortIds = new Set<string>();
    for await (const id of this.#episodes()) if (this.#mayGo(id)) shortIds.add(id.slice(0, 8));
    const folders = await this.#removeListed(PODCASTS_ROOT, (path) =>
      shortIdsIn(path).some((id) => shortIds.has(id)),
    );
    await this.#removeEmptied(folders);
  }

  /** Of what is asked of each its state is worked out anew: others run in between. */
  async *#episodes(): AsyncGenerator<EpisodeId> {
    for (const [i, id] of [...this.#row.episodes.keys()].entries()) {
      if (i % EPISODES_A_BREATH === 0) await breath();
      yield id;
    }
  }

  /** Gives the folders in which something was removed. */
  async #removeListed(root: string, isToGo: (path: string) => boolean): Promise<Set<string>> {
    const { library } = this.#options;
    const folders = new Set<string>();
    const removeOne = async ({ path, sizeBytes }: ListedFile) => {
      if (this.#isOver || !isToGo(path)) return;
      if (!(await this.#unhindered(path, () => library.remove(path)))) return;
      this.#removed += 1;
      folders.add(path.slice(0, path.lastIndexOf('/')));
      if (root !== PODCASTS_ROOT) this.#bytes += sizeBytes;
    };
    for await (const files of this.#listed(root))
      for (let i = 0; i < files.length; i += AT_ONCE)
        await Promise.all(files.slice(i, i + AT_ONCE).map(removeOne));
    return folders;
  }

  async *#listed(root: string): AsyncGenerator<readonly ListedFile[]> {
    for (let after = ''; !this.#isOver; ) {
      const files = await this.#options.library.list(root, FILES_A_PAGE, after);
      yield files;
      const last = files.at(-1);
      if (files.length < FILES_A_PAGE || last === undefined) return;
      after = last.path;
    }
  }

  /** Of episodes of this feed, in whatever world; nobody holds any of them. */
  async #removeAttempts(): Promise<void> {
    const { library } = this.#options;
    const folders = new Map<string, EpisodeId>();
    for await (const files of this.#listed(STAGING_ROOT))
      for (const { path } of files) {
        const place = parseStaging(path);
        if (place?.feed !== this.#row.id) continue;
        folders.set(folderOfStaging(place), place.episode);
      }
    for (const [folder, episode] of folders) {
      if (this.#isOver || !this.#mayGo(episode)) continue;
      const isGone = await this.#unhindered(folder, () => library.removeStaging(folder));
      if (isGone) this.#removed += 1;
    }
  }

  /** Folders that hold nothing any more, also those above them. */
  async #removeEmptied(folders: Iterable<string>): Promise<void> {
    const { library } = this.#options;
    const all = new Set<string>();
    for (const folder of folders)
      for (let at = folder; at.includes('/'); at = at.slice(0, at.lastIndexOf('/'))) all.add(at);
    const deepestFirst = [...all].sort((a, b) => b.length - a.length);
    for (const folder of deepestFirst)
      if (!this.#isOver)
        await this.#unhindered(folder, async () => library.removeEmptyFolders?.(folder));
  }

  async #tellKept(): Promise<void> {
    const { id } = this.#row;
    for (const key of this.#options.replica.snapshot.unreadable.keys()) {
      const of = parseStateKey(key);
      if (of.kind === 'job' && of.feed === id)
        this.#leave(`episode ${of.episode}: its state cannot be read`);
    }
    for await (const episode of this.#episodes())
      if (!this.#mayGo(episode))
        this.#leave(`episode ${episode}: it is worked on, or cannot be marked`);
  }

  #leave(sentence: string): void {
    if (this.#left.length < LEFT_MAX) this.#left.push(sentence);
  }

  /** False when it cannot be removed now: the others do not wait for it. */
  async #unhindered(what: string, work: () => Promise<void>): Promise<boolean> {
    try {
      await work();
      return true;
    } catch (error) {
      if (!(error instanceof LibraryError) || error.code === 'offline') throw error;
      this.#leave(`${what}: ${error.message}`);
      return false;
    }
  }
}

function breath(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

/** Only once nobody works on any stage of it: what comes of that is purged with the rest. */
function purgeMove(state: EpisodeState, stage: Stage): Move | null {
  const { done } = state.stages[stage];
  if (done === null || done.purged === true || isWorkedOn(state)) return null;
  return { kind: 'purge', token: done.token };
}

function isBare(state: EpisodeState): boolean {
  return !isWorkedOn(state) && STAGES.every((stage) => keptRun(state.stages[stage]) === null);
}

function isWorkedOn({ stages }: EpisodeState): boolean {
  return STAGES.some((stage) => ['held', 'committed'].includes(stages[stage].lock.state));
}
