import { createHash, randomBytes } from 'node:crypto';
import { constants } from 'node:fs';
import {
  copyFile,
  type FileHandle,
  link,
  lstat,
  open,
  realpath,
  rename,
  rm,
  rmdir,
  statfs,
} from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { Readable } from 'node:stream';
import { STAGING_ROOT } from '@podctl/domain/library-path.ts';
import {
  type Library,
  LibraryError,
  type LibraryHealth,
  type ListedFile,
  type WrittenFile,
} from '../library.ts';
import { abortable } from './abortable.ts';
import { removeEmptyFolders } from './empty-folders.ts';
import { listFiles } from './folder-walk.ts';
import { libraryIo } from './library-io.ts';
import { readMarker } from './library-marker.ts';
import { checkEmptiable, checkRemovable, placeOf, stagingPartsOf } from './safe-path.ts';
import { codeOf, makeFolder, syncFolder } from './synced-folder.ts';

/** Beginning of the name of a file that is not whole yet. They lie below `staging/` only, where the sweeper finds them. */
const TEMPORARY = '.part-';
/** Where no hard link can be made: another file system, or one that knows none. */
const NO_LINK = ['EXDEV', 'EPERM', 'ENOTSUP', 'EOPNOTSUPP', 'ENOSYS', 'EMLINK'];
/** A folder may be swept away between its making and the first file in it. */
const FOLDER_TRIES = 3;

/** Opens the library in a folder. Rejects with `LibraryError` `offline` when its marker is not there or has another id. */
export async function openLibrary(root: string, expectedId: string | null): Promise<FileLibrary> {
  const id = await readMarker(root);
  if (expectedId !== null && id !== expectedId)
    throw new LibraryError('offline', otherId(root, id, expectedId));
  return new FileLibrary(await realpath(root), id);
}

/**
 * The `file:` driver. Never true: a file under its own name that is not whole and synced; a path outside the root; a
 * removal outside `staging/`. The marker is read before every change, and before anything is said to be missing:
 * an unmounted disk is `offline`, never `missing`. Memory does not grow with the size of a file.
 */
export class FileLibrary implements Library {
  readonly id: string;
  readonly names = 'links';
  readonly place: string;
  /** Absolute, without symbolic links. */
  readonly root: string;

  constructor(root: string, id: string) {
    this.root = root;
    this.place = `file:${root}`;
    this.id = id;
  }

  async check(): Promise<LibraryHealth> {
    try {
      await this.#online();
      return { kind: 'online' };
    } catch (error) {
      return { kind: 'offline', reason: error instanceof Error ? error.message : String(error) };
    }
  }

  async stat(path: string) {
    return this.#io(path, async () => {
      const found = await lstat(await placeOf(this.root, path)).catch(absent);
      if (found === null) await this.#online();
      if (!found?.isFile()) return null;
      return { sizeBytes: found.size, modifiedMs: Math.floor(found.mtimeMs) };
    });
  }

  async readSmall(path: string, maxBytes: number): Promise<Uint8Array> {
    return this.#io(path, async () => {
      const file = await this.#open(path);
      try {
        const buffer = Buffer.alloc(Math.min(maxBytes, (await file.stat()).size) + 1);
        const { bytesRead } = await file.read(buffer, 0, buffer.length, 0);
        if (bytesRead <= Math.min(maxBytes, buffer.length - 1))
          return buffer.subarray(0, bytesRead);
        throw new LibraryError('too_large', `${path} is larger than ${maxBytes} bytes`);
      } finally {
        await file.close();
      }
    });
  }

  async read(path: string): Promise<Readable> {
    return this.#io(path, async () => (await this.#open(path)).createReadStream());
  }

  async write(
    path: string,
    source: AsyncIterable<Uint8Array>,
    signal: AbortSignal,
  ): Promise<WrittenFile> {
    signal.throwIfAborted();
    await this.#io(path, () => this.#online());
    const place = await this.#io(path, () => placeOf(this.root, path));
    const { file, temporary } = await this.#io(path, () => this.#openTemporary(path, place));
    try {
      const hash = createHash('sha256');
      let sizeBytes = 0;
      for await (const chunk of abortable(source, signal)) {
        hash.update(chunk);
        sizeBytes += chunk.length;
        await this.#io(path, () => file.writeFile(chunk));
      }
      await this.#io(path, async () => {
        await file.sync();
        await file.close();
      });
      signal.throwIfAborted();
      await this.#io(path, () => this.#moveIntoPlace(temporary, place));
      return { sizeBytes, sha256: hash.digest('hex') };
    } catch (error) {
      await file.close().catch(() => {});
      await rm(temporary, { force: true });
      throw error;
    }
  }

  async link(from: string, to: string): Promise<void> {
    await this.#io(from, async () => {
      await this.#online();
      const source = await placeOf(this.root, from);
      const target = await placeOf(this.root, to);
      const there = await lstat(source).catch(absent);
      if (!there?.isFile()) throw new LibraryError('missing', `${from} is not in the library`);
      const old = await lstat(target).catch(absent);
      if (old?.isFile() && old.ino === there.ino && old.dev === there.dev) return;
      await this.#linkInto(to, source, target);
    });
  }

  async linkIn(source: string, path: string): Promise<boolean> {
    return this.#io(path, async () => {
      await this.#online();
      const place = await placeOf(this.root, path);
      await makeFolder(dirname(place));
      const temporary = await this.#temporaryFor(path, place);
      try {
        await link(source, temporary);
        // A symbolic link gets a second name itself, and could lead anywhere.
        if (!(await lstat(temporary)).isFile())
          throw new LibraryError('refused', `${source} is not a plain file`);
        await this.#moveIntoPlace(temporary, place);
        return true;
      } catch (error) {
        if (NO_LINK.includes(codeOf(error))) return false;
        throw error;
      } finally {
        await rm(temporary, { force: true });
      }
    });
  }

  /** The temporary name, or its folder, may be swept away before the last step: a link has its source's age. */
  async #linkInto(to: string, source: string, target: string): Promise<void> {
    for (let tries = 1; ; tries += 1) {
      await makeFolder(dirname(target));
      const temporary = await this.#temporaryFor(to, target);
      try {
        await linkOrCopy(source, temporary);
        return await this.#moveIntoPlace(temporary, target);
      } catch (error) {
        if (codeOf(error) !== 'ENOENT' || tries >= FOLDER_TRIES) throw error;
      } finally {
        await rm(temporary, { force: true });
      }
    }
  }

  async recorded(): Promise<null> {
    return null;
  }

  async hash(path: string, signal: AbortSignal): Promise<WrittenFile> {
    const hash = createHash('sha256');
    let sizeBytes = 0;
    const file = await this.read(path);
    try {
      for await (const chunk of abortable<Uint8Array>(file, signal)) {
        hash.update(chunk);
        sizeBytes += chunk.length;
      }
    } catch (error) {
      signal.throwIfAborted();
      return this.#io(path, () => Promise.reject(error));
    } finally {
      // Called off before its first chunk, it would stay open: nobody has begun to read it.
      file.destroy();
    }
    return { sizeBytes, sha256: hash.digest('hex') };
  }

  async list(folder: string, limit: number, after = ''): Promise<readonly ListedFile[]> {
    return this.#io(folder, async () => {
      await this.#online();
      const place = await placeOf(this.root, `${folder}/x`);
      return listFiles(dirname(place), folder, limit, after);
    });
  }

  async removeStaging(folder: string): Promise<void> {
    const parts = stagingPartsOf(folder);
    await this.#io(folder, async () => {
      await this.#online();
      const place = await placeOf(this.root, folder);
      await rm(place, { recursive: true, force: true });
      let above = dirname(place);
      for (let depth = parts.length - 1; depth > 1; depth -= 1, above = dirname(above)) {
        const emptied = await rmdir(above).then(
          () => true,
          () => false,
        );
        if (!emptied) break;
      }
      await syncFolder(above).catch(absent);
    });
  }

  /** Its temporary files are listed like every other file. */
  async dropUnfinished(): Promise<number> {
    return 0;
  }

  async remove(path: string): Promise<void> {
    checkRemovable(path);
    await this.#io(path, async () => {
      await this.#online();
      const place = await placeOf(this.root, path);
      const found = await lstat(place).catch(absent);
      if (found === null) return;
      if (!found.isFile()) throw new LibraryError('refused', `${path} is not a file`);
      await rm(place, { force: true });
      await syncFolder(dirname(place));
    });
  }

  async removeEmptyFolders(folder: string): Promise<void> {
    checkEmptiable(folder);
    await this.#io(folder, async () => {
      await this.#online();
      await removeEmptyFolders(await placeOf(this.root, folder));
    });
  }

  async space() {
    return this.#io('', async () => {
      await this.#online();
      const { bsize, bavail, blocks } = await statfs(this.root);
      return { freeBytes: bavail * bsize, sizeBytes: blocks * bsize };
    });
  }

  async #online(): Promise<void> {
    const id = await readMarker(this.root);
    if (id !== this.id) throw new LibraryError('offline', otherId(this.root, id, this.id));
  }

  async #open(path: string): Promise<FileHandle> {
    const place = await placeOf(this.root, path);
    const flags = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK;
    const file = await open(place, flags).catch(absent);
    if (file !== null && (await file.stat()).isFile()) return file;
    await file?.close();
    await this.#online();
    throw new LibraryError('missing', `${path} is not in the library`);
  }

  async #openTemporary(path: string, place: string) {
    for (let tries = 1; ; tries += 1) {
      try {
        await makeFolder(dirname(place));
        const temporary = await this.#temporaryFor(path, place);
        return { temporary, file: await open(temporary, 'wx') };
      } catch (error) {
        if (codeOf(error) !== 'ENOENT' || tries >= FOLDER_TRIES) throw error;
      }
    }
  }

  /** A folder of the library may be a mount of its own: then the last step starts from a copy on that file system. */
  async #moveIntoPlace(temporary: string, place: string): Promise<void> {
    try {
      await rename(temporary, place);
    } catch (error) {
      if (codeOf(error) !== 'EXDEV') throw error;
      const beside = join(dirname(place), temporaryName());
      try {
        await copySynced(temporary, beside);
        await rename(beside, place);
      } finally {
        await rm(beside, { force: true });
        await rm(temporary, { force: true });
      }
    }
    await syncFolder(dirname(place));
  }

  /** Beside the target where that is below `staging/`; else in a folder of staging, since a crash may leave it behind. */
  async #temporaryFor(path: string, place: string): Promise<string> {
    if (path.startsWith(`${STAGING_ROOT}/`)) return join(dirname(place), temporaryName());
    const folder = join(this.root, STAGING_ROOT, 'temporary');
    await makeFolder(folder);
    return join(folder, temporaryName());
  }

  #io<T>(path: string, work: () => Promise<T>): Promise<T> {
    return libraryIo(this.root, path, work);
  }
}

function absent(error: unknown): null {
  if (['ENOENT', 'ENOTDIR', 'ELOOP', 'EISDIR', 'ENXIO'].includes(codeOf(error))) return null;
  throw error;
}

async function linkOrCopy(source: string, temporary: string): Promise<void> {
  try {
    await link(source, temporary);
  } catch (error) {
    if (!NO_LINK.includes(codeOf(error))) throw error;
    await copySynced(source, temporary);
  }
}

async function copySynced(source: string, target: string): Promise<void> {
  await copyFile(source, target, constants.COPYFILE_EXCL);
  const file = await open(target, 'r+');
  try {
    await file.sync();
  } finally {
    await file.close();
  }
}

function temporaryName(): string {
  return `${TEMPORARY}${randomBytes(8).toString('hex')}`;
}

function otherId(root: string, id: string, expected: string): string {
  return `${root} holds the library ${id}; expected ${expected}: is another disk mounted there?`;
}
