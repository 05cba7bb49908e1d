import { constants } from 'node:fs';
import { type FileHandle, lstat, open, rename, rm } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import type { Readable } from 'node:stream';
import { LibraryError, type WrittenFile } from '../library.ts';
import { abortable } from './abortable.ts';
import type { FileLibrary } from './file-library.ts';
import { libraryIo } from './library-io.ts';
import { placeOf, stagingPartsOf } from './safe-path.ts';
import { codeOf, makeFolder, syncFolder } from './synced-folder.ts';

/** Beginning of the name of a file that comes in pieces; no name of an attempt's file begins with a dot. */
const PART = '.part-of-';
const FOLDER_TRIES = 3;

/** How much of a file is there, and durable. */
export type FileProgress =
  | { readonly kind: 'absent' }
  | { readonly kind: 'part'; readonly sizeBytes: number }
  | { readonly kind: 'whole'; readonly sizeBytes: number };

export type Appended =
  | { readonly kind: 'appended'; readonly sizeBytes: number }
  /** Not written: the part ends elsewhere. */
  | { readonly kind: 'elsewhere'; readonly sizeBytes: number }
  /** What came within the limit was written; there is more. */
  | { readonly kind: 'too_large' };

/**
 * Files of a library that come and go in pieces, over a network that breaks off: a part below `staging/` grows at its end,
 * and gets its own name only when size and SHA-256 of what lies on the disk are the expected ones. Its users see to it that
 * one of them at a time writes a file. Rejects with `LibraryError`; an abort rejects with the signal's reason.
 */
export class FileTransfers {
  readonly #library: FileLibrary;

  constructor(library: FileLibrary) {
    this.#library = library;
  }

  /** Syncs a part first, so that what it says to lie there would survive a power cut. */
  async progress(path: string): Promise<FileProgress> {
    return this.#io(path, async () => {
      await this.#online();
      const place = await this.#place(path);
      const whole = await sizeOf(place);
      if (whole !== null) return { kind: 'whole', sizeBytes: whole };
      const file = await openPart(place, constants.O_RDONLY);
      if (file === null) return { kind: 'absent' };
      try {
        await file.datasync();
        return { kind: 'part', sizeBytes: (await file.stat()).size };
      } finally {
        await file.close();
      }
    });
  }

  /**
   * Writes what comes behind the first `offsetBytes`, which must be all that is there. However it ends, what was written
   * is kept, and synced.
   */
  async append(
    path: string,
    offsetBytes: number,
    source: AsyncIterable<Uint8Array>,
    limits: { readonly signal: AbortSignal; readonly bytesMax: number },
  ): Promise<Appended> {
    await this.#io(path, () => this.#online());
    const place = await this.#io(path, () => this.#place(path));
    const file = await this.#io(path, () => makePart(place));
    try {
      const sizeBytes = (await file.stat()).size;
      if (sizeBytes !== offsetBytes) return { kind: 'elsewhere', sizeBytes };
      return await this.#take(path, file, offsetBytes, source, limits);
    } finally {
      await this.#io(path, async () => {
        await file.datasync().finally(() => file.close());
      });
    }
  }

  /**
   * Gives the file its name when it is what is expected, else drops the part. True also when it has its name already.
   * A part that somebody wrote to, or replaced, while it was read is not what was read.
   */
  async complete(path: string, expected: WrittenFile, signal: AbortSignal): Promise<boolean> {
    const place = await this.#io(path, () => this.#place(path));
    const isWhole = (await sizeOf(place)) !== null;
    const lies = isWhole ? path : `${dirname(path)}/${basename(partOf(place))}`;
    const before = await this.#io(path, () => stateOf(partOf(place)));
    const { sizeBytes, sha256 } = await this.#library.hash(lies, signal);
    signal.throwIfAborted();
    const fits = sizeBytes === expected.sizeBytes && sha256 === expected.sha256;
    if (isWhole) return fits;
    return this.#io(path, async () => {
      if (fits) await syncFile(partOf(place));
      if (!fits || (await stateOf(partOf(place))) !== before) {
        await rm(partOf(place), { force: true });
        return false;
      }
      await rename(partOf(place), place);
      await syncFolder(dirname(place));
      return true;
    });
  }

  /** Forgets a part. */
  async drop(path: string): Promise<void> {
    await this.#io(path, async () => rm(partOf(await this.#place(path)), { force: true }));
  }

  /** Bytes of a whole file from `startBytes` to the one before `endBytes`. Rejects with `LibraryError` `missing`. */
  async readRange(path: string, startBytes: number, endBytes: number): Promise<Readable> {
    return this.#io(path, async () => {
      const place = await placeOf(this.#library.root, path);
      const flags = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK;
      const file = await open(place, flags).catch(absent);
      if (file === null) {
        await this.#online();
        throw new LibraryError('missing', `${path} is not in the library`);
      }
      if (endBytes <= startBytes) {
        await file.close();
        throw new LibraryError('refused', `an empty part of ${path} was asked for`);
      }
      return file.createReadStream({
        start: startBytes,
        end: endBytes - 1,
        highWaterMark: READ_BYTES,
      });
    });
  }

  async #take(
    path: string,
    file: FileHandle,
    offsetBytes: number,
    source: AsyncIterable<Uint8Array>,
    limits: { readonly signal: AbortSignal; readonly bytesMax: number },
  ): Promise<Appended> {
    let sizeBytes = offsetBytes;
    for await (const chunk of abortable(source, limits.signal)) {
      if (sizeBytes + chunk.length > limits.bytesMax) return { kind: 'too_large' };
      await this.#io(path, () => writeAll(file, chunk, sizeBytes));
      sizeBytes += chunk.length;
    }
    return { kind: 'appended', sizeBytes };
  }

  async #place(path: string): Promise<string> {
    stagingPartsOf(path);
    return placeOf(this.#library.root, path);
  }

  async #online(): Promise<void> {
    const health = await this.#library.check();
    if (health.kind === 'offline') throw new LibraryError('offline', health.reason);
  }

  #io<T>(path: string, work: () => Promise<T>): Promise<T> {
    return libraryIo(this.#library.root, path, work);
  }
}

const READ_BYTES = 256 * 1024;

function partOf(place: string): string {
  return join(dirname(place), `${PART}${basename(place)}`);
}

async function sizeOf(place: string): Promise<number | null> {
  const found = await lstat(place).catch(absent);
  return found?.isFile() ? found.size : null;
}

/** Another text once it was written to, or is another file. */
async function stateOf(place: string): Promise<string> {
  const found = await lstat(place, { bigint: true }).catch(absent);
  return found === null ? '' : `${found.ino} ${found.size} ${found.mtimeNs}`;
}

function openPart(place: string, flags: number): Promise<FileHandle | null> {
  return open(partOf(place), flags | constants.O_NOFOLLOW, 0o666).catch(absent);
}

async function syncFile(place: string): Promise<void> {
  const file = await open(place, 'r');
  try {
    await file.sync();
  } finally {
    await file.close();
  }
}

/** The folder may be swept away between its making and the first file in it. */
async function makePart(place: string): Promise<FileHandle> {
  for (let tries = 1; ; tries += 1) {
    await makeFolder(dirname(place));
    const file = await openPart(place, constants.O_RDWR | constants.O_CREAT);
    if (file !== null) return file;
    if (tries >= FOLDER_TRIES)
      throw new LibraryError('io', `no file could be made in ${dirname(place)}`);
  }
}

async function writeAll(file: FileHandle, chunk: Uint8Array, atBytes: number): Promise<void> {
  for (let written = 0; written < chunk.length; ) {
    const { bytesWritten } = await file.write(
      chunk,
      written,
      chunk.length - written,
      atBytes + written,
    );
    written += bytesWritten;
  }
}

function absent(error: unknown): null {
  if (['ENOENT', 'ENOTDIR', 'ELOOP'].includes(codeOf(error))) return null;
  throw error;
}
