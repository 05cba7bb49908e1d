import { constants, type Dirent } from 'node:fs';
import { lstat, open, readdir, realpath, rm } from 'node:fs/promises';
import { isAbsolute, join, sep } from 'node:path';
import type { ArchiveFile } from '@podctl/domain/adoption/archive.ts';
import { plainLine } from '@podctl/domain/gpu.ts';
import { err, ok, type Result } from '@podctl/domain/result.ts';

/** A million episodes with two texts each. */
const FILES_MAX = 3_000_000;
const DEPTH_MAX = 32;
/** Of a folder's name in a sentence: whoever asks chose it. */
const NAME_LENGTH_MAX = 60;
const READ_ONLY = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK;

/** A folder of this machine whose files are taken into the library. Links are passed over: they could lead anywhere. */
export class AdoptionSource {
  /** Absolute, without symbolic links. */
  readonly root: string;

  private constructor(root: string) {
    this.root = root;
  }

  /** Fails with a sentence when it is no folder that can be read, or the library lies in it, or it in the library. */
  static async open(
    folder: string,
    libraryRoot: string | null,
  ): Promise<Result<AdoptionSource, string>> {
    const name = plainLine(folder, NAME_LENGTH_MAX);
    if (!isAbsolute(folder)) return err(`${name} is not an absolute path: give the whole path`);
    let root: string;
    try {
      root = await realpath(folder);
      if (!(await lstat(root)).isDirectory()) return err(`${name} is not a folder`);
    } catch {
      return err(
        `${name} cannot be found on the coordinator's machine: the folder has to lie there, or be mounted there`,
      );
    }
    const isWithin = (inner: string, outer: string) =>
      `${inner}${sep}`.startsWith(`${outer}${sep}`);
    if (libraryRoot !== null && (isWithin(root, libraryRoot) || isWithin(libraryRoot, root)))
      return err(`${name} and the library lie in one another: what is there is known already`);
    return ok(new AdoptionSource(root));
  }

  /** All plain files. Rejects when there are more than can be, or a folder cannot be read. */
  async files(signal: AbortSignal): Promise<ArchiveFile[]> {
    const found: ArchiveFile[] = [];
    await this.#walk('', 0, found, signal);
    return found;
  }

  /** Absolute. */
  place(path: string): string {
    return join(this.root, path);
  }

  /** The whole text; null above `bytesMax`. What is no UTF-8 is read as Latin-1. */
  async text(path: string, bytesMax: number): Promise<string | null> {
    const file = await open(this.place(path), READ_ONLY);
    try {
      if ((await file.stat()).size > bytesMax) return null;
      const bytes = await file.readFile();
      try {
        return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
      } catch {
        return new TextDecoder('latin1').decode(bytes);
      }
    } finally {
      await file.close();
    }
  }

  async *bytes(path: string): AsyncGenerator<Uint8Array> {
    const file = await open(this.place(path), READ_ONLY);
    // It closes the file at its end, and when nobody reads on.
    yield* file.createReadStream({ highWaterMark: 1_048_576 });
  }

  async modifiedMs(path: string): Promise<number> {
    return Math.floor((await lstat(this.place(path))).mtimeMs);
  }

  async remove(path: string): Promise<void> {
    await rm(this.place(path), { force: true });
  }

  async #walk(
    path: string,
    depth: number,
    found: ArchiveFile[],
    signal: AbortSignal,
  ): Promise<void> {
    signal.throwIfAborted();
    if (depth > DEPTH_MAX) return;
    const entries: Dirent[] = await readdir(this.place(path), { withFileTypes: true });
    for (const entry of entries) {
      const below = path === '' ? entry.name : `${path}/${entry.name}`;
      if (entry.name.startsWith('.')) continue;
      if (entry.isDirectory()) await this.#walk(below, depth + 1, found, signal);
      if (!entry.isFile()) continue;
      if (found.length >= FILES_MAX)
        throw new Error(`there are more than ${FILES_MAX} files: take in its folders one by one`);
      found.push({ path: below, sizeBytes: (await lstat(this.place(below))).size });
    }
  }
}
