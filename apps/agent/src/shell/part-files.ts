import { randomBytes } from 'node:crypto';
import { readdir, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { EpisodeId, FeedId } from '@podctl/domain/ids.ts';
import type { Clock } from '@podctl/platform/clock.ts';
import { makeFolder } from '@podctl/platform/library/synced-folder.ts';
import { diskFloor } from '../core/disk-floor.ts';
import { expiredParts, type LyingPart } from '../core/part-record.ts';
import type { AttemptStore } from './attempt-store.ts';
import { PartFile } from './part-file.ts';

/** A file that began so and is old is a leftover for the library's sweeper, too: of an agent that never comes back. */
const PREFIX = '.part-';

export interface PartFilesOptions {
  readonly clock: Clock;
  /** Absolute; on the disk that attempts are written to. Nobody else writes there. */
  readonly folder: string;
  /** The same as a path of the library that it lies in. */
  readonly path: string;
  readonly ageMsMax: number;
  readonly bytesMax: number;
}

/** One part, and only for its owner. */
export interface ClaimedPart {
  readonly file: PartFile;
  /** Where it lies in the library of the attempt. */
  readonly path: string;
  /** Somebody else may have it now. */
  release(): void;
}

/**
 * What downloads that broke off have left, each of one episode, on the agent's own disk: never seen by another stage, and
 * never believed. Limited in age and in bytes; what is in use does not count.
 */
export class PartFiles {
  readonly #options: PartFilesOptions;
  readonly #inUse = new Set<string>();

  constructor(options: PartFilesOptions) {
    this.#options = options;
  }

  /** The episode's part; a fresh one with a name of its own while an older attempt has not let go of it. */
  async claim(feed: FeedId, episode: EpisodeId): Promise<ClaimedPart> {
    const { folder, path } = this.#options;
    const usual = `${PREFIX}${feed}.${episode}`;
    const name = this.#inUse.has(usual) ? `${usual}.${randomBytes(6).toString('hex')}` : usual;
    this.#inUse.add(name);
    try {
      await makeFolder(folder);
      const file = await PartFile.open(join(folder, name));
      const release = () => void this.#inUse.delete(name);
      return { file, path: `${path}/${name}`, release };
    } catch (error) {
      this.#inUse.delete(name);
      throw error;
    }
  }

  /** Removes what is over the limits. `bytesMax`: a lower one for once. Gives how many went. */
  async sweep(bytesMax = this.#options.bytesMax): Promise<number> {
    const { folder, ageMsMax, clock } = this.#options;
    const parts = await this.#lying();
    const limits = { ageMsMax, bytesMax };
    const expired = expiredParts(parts, limits, clock.wallMs());
    let count = 0;
    for (const name of expired) if (await this.#drop(join(folder, name), partOf(name))) count += 1;
    return count;
  }

  /** While it goes it is in use: whoever claims it would write to a file without a name. */
  async #drop(place: string, part: string): Promise<boolean> {
    if (this.#inUse.has(part)) return false;
    this.#inUse.add(part);
    try {
      await rm(place, { force: true });
      return true;
    } finally {
      this.#inUse.delete(part);
    }
  }

  async #lying(): Promise<readonly LyingPart[]> {
    const { folder } = this.#options;
    const names = await readdir(folder).catch(() => []);
    const parts: LyingPart[] = [];
    for (const name of names) {
      if (!name.startsWith(PREFIX) || this.#inUse.has(partOf(name))) continue;
      const found = await stat(join(folder, name)).catch(() => null);
      if (found !== null)
        parts.push({ name, sizeBytes: found.size, modifiedMs: Math.floor(found.mtimeMs) });
    }
    return parts;
  }
}

/** To which a file belongs: its data, its record, or one that was to become it. */
function partOf(name: string): string {
  return name.replace(/\.json(?:\.new)?$/, '');
}

/**
 * Removes all parts that nobody uses where the disk has less room than must stay. They are worth less than new work, and a
 * disk that is full of them would stay so: nothing else looks after them while nothing is begun. Gives how many went.
 */
export async function partsGiveWay(
  store: Pick<AttemptStore, 'freeBytes'>,
  parts: Pick<PartFiles, 'sweep'>,
  floorBytes: number,
): Promise<number> {
  const freeBytes = await store.freeBytes();
  const isShut = diskFloor('shut', freeBytes, 0, floorBytes) === 'shut';
  return isShut ? parts.sweep(0) : 0;
}
