import { randomBytes } from 'node:crypto';
import { readdir, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { EpisodeId, FeedId } from '@podctl/domain/ids.ts';
import type { Clock } from '@podctl/platform/clock.ts';
import { makeFolder } from '@podctl/platform/library/synced-folder.ts';
import { expiredParts, type LyingPart } from '../core/part-record.ts';
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
    for (const name of expired)
      if (!this.#isUsed(name)) await rm(join(folder, name), { force: true });
    return expired.length;
  }

  async #lying(): Promise<readonly LyingPart[]> {
    const { folder } = this.#options;
    const names = await readdir(folder).catch(() => []);
    const parts: LyingPart[] = [];
    for (const name of names) {
      if (!name.startsWith(PREFIX) || this.#isUsed(name)) continue;
      const found = await stat(join(folder, name)).catch(() => null);
      if (found !== null)
        parts.push({ name, sizeBytes: found.size, modifiedMs: Math.floor(found.mtimeMs) });
    }
    return parts;
  }

  #isUsed(name: string): boolean {
    return this.#inUse.has(name.replace(/\.json(?:\.new)?$/, ''));
  }
}
