import { existsSync, mkdirSync, renameSync } from 'node:fs';
import { dirname } from 'node:path';
import { PARTS_PATH } from '@podctl/domain/library-path.ts';
import type { ManifestFile } from '@podctl/domain/manifest.ts';
import type { FileLibrary } from '@podctl/platform/library/file-library.ts';
import { placeOf } from '@podctl/platform/library/safe-path.ts';

/** Below `staging/`, since that is where a library removes. */
const FOLDER = 'staging/input';
/** What is on its way out. Cleared away like attempts when the agent died in between. */
const EVICTED = 'staging/evicted';
const FILES_MAX = 10_000;

/** Audio on this agent's own disk, by its SHA-256: fetched, or kept from its own downloads. The oldest goes first. */
export class SpoolInputs {
  readonly #spool: FileLibrary;
  readonly #bytesMax: number;
  readonly #inUse = new Map<string, number>();
  readonly #usedAt = new Map<string, number>();
  #uses = 0;
  #evictions = 0;

  constructor(spool: FileLibrary, bytesMax: number) {
    this.#spool = spool;
    this.#bytesMax = bytesMax;
  }

  /** In the spool. The ending of the name helps the engine to know the container. */
  pathOf(sha256: string, libraryPath: string): string {
    const [, extension = 'bin'] = /\.([a-z0-9]{1,8})$/.exec(libraryPath) ?? [];
    return `${FOLDER}/${sha256}/audio.${extension}`;
  }

  /** Where a path is on this machine. */
  place(path: string): Promise<string> {
    return placeOf(this.#spool.root, path);
  }

  /** Not removed while it is in use. Ends with the disposal. */
  use(sha256: string): Disposable {
    this.#inUse.set(sha256, (this.#inUse.get(sha256) ?? 0) + 1);
    this.#uses += 1;
    this.#usedAt.set(sha256, this.#uses);
    return {
      [Symbol.dispose]: () => {
        const count = (this.#inUse.get(sha256) ?? 1) - 1;
        if (count > 0) this.#inUse.set(sha256, count);
        else this.#inUse.delete(sha256);
      },
    };
  }

  /** Keeps audio that this agent has just downloaded: most likely it is the one that will transcribe it. */
  async keep(from: string, file: ManifestFile): Promise<void> {
    await this.#spool.link(from, this.pathOf(file.sha256, file.name));
    using _use = this.use(file.sha256);
    await this.evict(this.#bytesMax);
  }

  /** Also what is in use. */
  async drop(sha256: string): Promise<void> {
    await this.#spool.removeStaging(`${FOLDER}/${sha256}`);
    this.#usedAt.delete(sha256);
  }

  /**
   * False when it is in use. Nothing is awaited between that look and the file's new name: whoever uses it later finds it
   * gone as a whole, and fetches it anew.
   */
  async #evictOne(sha256: string): Promise<boolean> {
    this.#evictions += 1;
    const away = `${EVICTED}/${this.#evictions}`;
    const [from, to] = [await this.place(`${FOLDER}/${sha256}`), await this.place(away)];
    if (this.#inUse.has(sha256)) return false;
    // Else somebody else has evicted it.
    if (existsSync(from)) {
      mkdirSync(dirname(to), { recursive: true });
      renameSync(from, to);
    }
    this.#usedAt.delete(sha256);
    await this.#spool.removeStaging(away);
    return true;
  }

  /** Makes room for so many bytes more within the limit. */
  async makeRoom(bytes: number): Promise<void> {
    await this.evict(Math.max(0, this.#bytesMax - bytes));
  }

  /** Removes what is not in use, the least recently used first, until the rest has at most so many bytes. */
  async evict(bytesMax: number): Promise<void> {
    const sizes = new Map<string, number>();
    for (const { path, sizeBytes } of await this.#spool.list(FOLDER, FILES_MAX)) {
      const sha256 = path.split('/')[2] ?? '';
      sizes.set(sha256, (sizes.get(sha256) ?? 0) + sizeBytes);
    }
    let bytes = [...sizes.values()].reduce((sum, size) => sum + size, 0);
    const oldestFirst = [...sizes].sort(
      ([a], [b]) => (this.#usedAt.get(a) ?? 0) - (this.#usedAt.get(b) ?? 0),
    );
    for (const [sha256, size] of oldestFirst) {
      if (bytes <= bytesMax) return;
      if (await this.#evictOne(sha256)) bytes -= size;
    }
  }
}

/** Everything in a spool but its inputs and parts of downloads: what an earlier life of this agent left of attempts. */
export async function leftAttempts(spool: FileLibrary): Promise<readonly string[]> {
  const files = await spool.list('staging', FILES_MAX);
  const folders = files.map(({ path }) => path.split('/').slice(0, 2).join('/'));
  return [...new Set(folders)].filter((folder) => folder !== FOLDER && folder !== PARTS_PATH);
}
