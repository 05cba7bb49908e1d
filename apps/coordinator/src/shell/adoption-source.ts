import { constants, type Dirent } from 'node:fs';
import { lstat, open, readdir, realpath, rm } from 'node:fs/promises';
import { isAbsolute, join, sep } from 'node:path';
import type { ArchiveFile } from '@podctl/domain/adoption/archive.ts';
import { plainLine } from '@podctl/domain/gpu.ts';
import { err, ok, type Result } from '@podctl/domain/result.ts';
import { codeOf } from '@podctl/platform/library/synced-folder.ts';

/** A million episodes with two texts each. */
const FILES_MAX = 3_000_000;
const DEPTH_MAX = 32;
/** Of a folder's name in a sentence: whoever asks chose it. */
const NAME_LENGTH_MAX = 60;
const READ_ONLY = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK;

/** What cannot be looked at is left, and keeps nothing else from being taken in. */
export interface UnreadablePath {
  readonly path: string;
  readonly reason: string;
}

/** As a file was when it was looked at. */
export interface FileMark {
  readonly sizeBytes: number;
  readonly modifiedMs: number;
}

/** A folder of this machine whose files are taken into the library. Links are passed over: they could lead anywhere. */
export class AdoptionSource {
  /** Absolute, without symbolic links. */
  readonly root: string;
  /** Whether its files can be linked into the library, as far as can be said without trying. */
  readonly isBesideLibrary: boolean;

  private constructor(root: string, isBesideLibrary: boolean) {
    this.root = root;
    this.isBesideLibrary = isBesideLibrary;
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
    return ok(new AdoptionSource(root, await isOneDisk(root, libraryRoot)));
  }

  /** All plain files, and what cannot be read. Rejects when there are more than can be, or the folder itself cannot be read. */
  async files(signal: AbortSignal): Promise<{
    readonly files: readonly ArchiveFile[];
    readonly unreadable: readonly UnreadablePath[];
  }> {
    const found: ArchiveFile[] = [];
    const unreadable: UnreadablePath[] = [];
    const entries = await readdir(this.root, { withFileTypes: true });
    await this.#walk('', entries, { found, unreadable }, signal);
    return { files: found, unreadable };
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

  async mark(path: string): Promise<FileMark> {
    const { size, mtimeMs } = await lstat(this.place(path));
    return { sizeBytes: size, modifiedMs: Math.floor(mtimeMs) };
  }

  async remove(path: string): Promise<void> {
    await rm(this.place(path), { force: true });
  }

  async #walk(path: string, entries: readonly Dirent[], to: Walked, signal: AbortSignal) {
    for (const entry of entries) {
      signal.throwIfAborted();
      const below = path === '' ? entry.name : `${path}/${entry.name}`;
      try {
        await this.#look(below, entry, to, signal);
      } catch (error) {
        const reason = reasonOf(error, entry.name);
        if (reason === null) throw error;
        to.unreadable.push({ path: below, reason });
      }
    }
  }

  async #look(path: string, entry: Dirent, to: Walked, signal: AbortSignal): Promise<void> {
    if (entry.name.startsWith('.')) return;
    if (entry.isDirectory()) await this.#walkBelow(path, to, signal);
    else if (entry.isFile()) await this.#note(path, to);
  }

  async #walkBelow(path: string, to: Walked, signal: AbortSignal): Promise<void> {
    if (path.split('/').length > DEPTH_MAX) {
      const reason = `more than ${DEPTH_MAX} folders lie in one another`;
      to.unreadable.push({ path, reason });
      return;
    }
    const entries = await readdir(this.place(path), { withFileTypes: true });
    await this.#walk(path, entries, to, signal);
  }

  async #note(path: string, { found }: Walked): Promise<void> {
    if (found.length >= FILES_MAX)
      throw new Error(`there are more than ${FILES_MAX} files: take in its folders one by one`);
    found.push({ path, sizeBytes: (await lstat(this.place(path))).size });
  }
}

async function isOneDisk(root: string, libraryRoot: string | null): Promise<boolean> {
  if (libraryRoot === null) return false;
  const library = await lstat(libraryRoot).catch(() => null);
  return library?.dev === (await lstat(root)).dev;
}

interface Walked {
  readonly found: ArchiveFile[];
  readonly unreadable: UnreadablePath[];
}

/** Null for what is no trouble with one name. */
function reasonOf(error: unknown, name: string): string | null {
  const code = codeOf(error);
  if (code === '') return null;
  if (name.includes('\ufffd')) return 'its name is not UTF-8: rename it';
  if (code === 'ENOENT') return 'it went away while the folder was looked at';
  return `it cannot be read (${code})`;
}
