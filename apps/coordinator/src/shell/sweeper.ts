import { parseCheckpointName } from '@podctl/domain/checkpoint-name.ts';
import { nextRun } from '@podctl/domain/episode-move.ts';
import {
  folderOfStaging,
  PARTS_PATH,
  parseStaging,
  STAGING_ROOT,
  type StagingPlace,
} from '@podctl/domain/library-path.ts';
import type { Clock } from '@podctl/platform/clock.ts';
import { KvUnavailable } from '@podctl/platform/kv.ts';
import { type Library, LibraryError, type ListedFile } from '@podctl/platform/library.ts';
import type { Logger } from './logger.ts';
import { Loop } from './loop.ts';
import type { Store } from './store.ts';

export interface SweeperOptions {
  readonly clock: Clock;
  readonly store: Store;
  readonly library: Library;
  readonly log: Logger;
  readonly everyMs: number;
  readonly olderThanMs: number;
}

/** An agent sweeps its own parts (`downloads.partsKeep`, at most this): what is older is of one that never came back. */
const PARTS_KEEP_MS_MAX = 30 * 86_400_000;
/** Files looked at in one turn; the rest waits for the next. */
const FILES_MAX = 100_000;
/** Of one attempt: more than one may have. */
const FILES_LISTED_MAX = 256;

/**
 * The one that deletes, and only under `staging/`. It lists first, then reads the key, then removes: the other order could
 * miss a commit between the two.
 */
export class Sweeper extends Loop {
  readonly #options: SweeperOptions;

  constructor(options: SweeperOptions) {
    super('sweeper', {
      clock: options.clock,
      tickMs: options.everyMs,
      spacingMs: Math.min(1_000, options.everyMs),
      log: options.log,
    });
    this.#options = options;
  }

  protected override async turn(signal: AbortSignal): Promise<void> {
    const { library, clock, olderThanMs } = this.#options;
    const health = await library.check();
    if (health.kind === 'offline') return;
    const listed = await library.list(STAGING_ROOT, FILES_MAX);
    const before = clock.wallMs() - olderThanMs;
    await this.#unhindered('uploads', async () => {
      const dropped = await library.dropUnfinished(before, async (path) => {
        const place = parseStaging(path);
        return place !== null && (await this.#isNeeded(place));
      });
      if (dropped > 0) this.#options.log.info({ dropped }, 'gave back uploads that never ended');
    });
    for (const { path } of listed.filter(isLeftover(before)))
      await this.#unhindered(path, () => library.removeStaging(path));
    for (const place of oldAttempts(listed, before)) {
      if (signal.aborted) return;
      await this.#unhindered(place.episode, () => this.#sweep(place));
    }
  }

  /** What cannot be removed now is left for the next turn, and keeps nothing else from being swept. */
  async #unhindered(what: string, work: () => Promise<void>): Promise<void> {
    try {
      await work();
    } catch (error) {
      if (!(error instanceof LibraryError) || error.code === 'offline') throw error;
      this.#options.log.warn({ what, reason: error.message }, 'a leftover cannot be removed');
    }
  }

  async #sweep(place: StagingPlace): Promise<void> {
    const { store, library, log } = this.#options;
    const folder = folderOfStaging(place);
    const files = await library.list(folder, FILES_LISTED_MAX);
    if (await this.#isNeeded(place, checkpointRuns(files))) return;
    await library.removeStaging(folder);
    log.info(
      {
        feed: place.feed,
        episode: place.episode,
        stage: place.stage,
        token: place.token,
        cluster: store.cluster(),
      },
      'swept what an attempt left in staging',
    );
  }

  /** `runs`: those of which it has checkpoints. One of the run that is done next is gone on from, whoever left it. */
  async #isNeeded(
    { cluster, feed, episode, stage, token }: StagingPlace,
    runs: readonly number[] = [],
  ): Promise<boolean> {
    try {
      const { record } = await this.#options.store.readEpisode(feed, episode);
      // Of another world than the lock: the same number there is another token.
      if (record?.cluster !== cluster) return false;
      if (runs.includes(nextRun(record.stages[stage]))) return true;
      const { lock } = record.stages[stage];
      return (lock.state === 'held' || lock.state === 'committed') && lock.token === token;
    } catch (error) {
      // Of a value that only a newer version can read nobody here can say that it is not needed.
      if (error instanceof KvUnavailable) throw error;
      return true;
    }
  }
}

function checkpointRuns(files: readonly ListedFile[]): readonly number[] {
  return files.flatMap(({ path }) => {
    const name = parseCheckpointName(path.slice(path.lastIndexOf('/') + 1));
    return name === null ? [] : [name.run];
  });
}

/** Files that were being written when their writer died, outside of any attempt. */
function isLeftover(beforeMs: number): (file: ListedFile) => boolean {
  return ({ path, modifiedMs }) => {
    const isPart = path.startsWith(`${PARTS_PATH}/`);
    const before = isPart ? beforeMs - PARTS_KEEP_MS_MAX : beforeMs;
    return modifiedMs < before && path.includes('/.part-') && parseStaging(path) === null;
  };
}

/** The attempts of which every file is older than `beforeMs`. Paths that no attempt of ours has are left alone. */
export function oldAttempts(files: readonly ListedFile[], beforeMs: number): StagingPlace[] {
  const newest = new Map<string, { place: StagingPlace; atMs: number }>();
  for (const { path, modifiedMs } of files) {
    const place = parseStaging(path);
    if (place === null) continue;
    const key = folderOfStaging(place);
    const atMs = Math.max(newest.get(key)?.atMs ?? 0, modifiedMs);
    newest.set(key, { place, atMs });
  }
  return [...newest.values()].filter(({ atMs }) => atMs < beforeMs).map(({ place }) => place);
}
