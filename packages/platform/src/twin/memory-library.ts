import { createHash } from 'node:crypto';
import { Readable } from 'node:stream';
import { abortable } from '../library/abortable.ts';
import { checkRemovable, partsOf, stagingPartsOf } from '../library/safe-path.ts';
import {
  type Library,
  LibraryError,
  type LibraryHealth,
  type ListedFile,
  type WrittenFile,
} from '../library.ts';

interface Stored {
  readonly bytes: Uint8Array;
  readonly modifiedMs: number;
}

/** The library in memory, for tests and the simulation. It passes the same conformance suite as the real one. */
export class MemoryLibrary implements Library {
  readonly id: string;
  readonly names = 'links';
  readonly place = 'memory:';
  /** Null while it is online; else the reason why it is not. */
  offline: string | null = null;
  readonly #sizeBytes: number;
  readonly #wallMs: () => number;
  readonly #files = new Map<string, Stored>();

  constructor(id: string, sizeBytes: number, wallMs: () => number) {
    this.id = id;
    this.#sizeBytes = sizeBytes;
    this.#wallMs = wallMs;
  }

  async check(): Promise<LibraryHealth> {
    return this.offline === null ? { kind: 'online' } : { kind: 'offline', reason: this.offline };
  }

  async stat(path: string) {
    const stored = this.#find(path);
    if (stored === undefined) return null;
    return { sizeBytes: stored.bytes.length, modifiedMs: stored.modifiedMs };
  }

  async readSmall(path: string, maxBytes: number): Promise<Uint8Array> {
    const { bytes } = this.#get(path);
    if (bytes.length <= maxBytes) return bytes;
    throw new LibraryError('too_large', `${path} is larger than ${maxBytes} bytes`);
  }

  async read(path: string): Promise<Readable> {
    return Readable.from([Buffer.from(this.#get(path).bytes)], { objectMode: false });
  }

  async write(
    path: string,
    source: AsyncIterable<Uint8Array>,
    signal: AbortSignal,
  ): Promise<WrittenFile> {
    signal.throwIfAborted();
    this.#find(path);
    const chunks: Uint8Array[] = [];
    let sizeBytes = 0;
    for await (const chunk of abortable(source, signal)) {
      sizeBytes += chunk.length;
      if (sizeBytes > this.#freeBytes()) throw new LibraryError('full', 'no space is left');
      chunks.push(chunk);
    }
    signal.throwIfAborted();
    const bytes = Buffer.concat(chunks);
    this.#find(path);
    this.#files.set(path, { bytes, modifiedMs: this.#wallMs() });
    return written(bytes);
  }

  async link(from: string, to: string): Promise<void> {
    partsOf(to);
    this.#files.set(to, this.#get(from));
  }

  async recorded(): Promise<null> {
    return null;
  }

  async hash(path: string, signal: AbortSignal): Promise<WrittenFile> {
    signal.throwIfAborted();
    return written(this.#get(path).bytes);
  }

  async list(folder: string, limit: number, after = ''): Promise<readonly ListedFile[]> {
    this.#find(folder);
    return [...this.#files]
      .filter(([path]) => path.startsWith(`${folder}/`) && path > after)
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .slice(0, limit)
      .map(([path, stored]) => ({
        path,
        sizeBytes: stored.bytes.length,
        modifiedMs: stored.modifiedMs,
      }));
  }

  /** Somebody removes a file behind everybody's back. */
  lose(path: string): void {
    this.#files.delete(path);
  }

  async removeStaging(folder: string): Promise<void> {
    stagingPartsOf(folder);
    this.#find(folder);
    for (const path of this.#files.keys())
      if (path === folder || path.startsWith(`${folder}/`)) this.#files.delete(path);
  }

  async dropUnfinished(..._of: Parameters<Library['dropUnfinished']>): Promise<number> {
    return 0;
  }

  async remove(path: string): Promise<void> {
    checkRemovable(path);
    this.#find(path);
    this.#files.delete(path);
  }

  async space() {
    this.#find('staging');
    return { freeBytes: this.#freeBytes(), sizeBytes: this.#sizeBytes };
  }

  #find(path: string): Stored | undefined {
    partsOf(path);
    if (this.offline !== null) throw new LibraryError('offline', this.offline);
    return this.#files.get(path);
  }

  #get(path: string): Stored {
    const stored = this.#find(path);
    if (stored !== undefined) return stored;
    throw new LibraryError('missing', `${path} is not in the library`);
  }

  /** Two names of one file count once, as on a disk. */
  #freeBytes(): number {
    const distinct = new Set([...this.#files.values()]);
    return this.#sizeBytes - [...distinct].reduce((sum, { bytes }) => sum + bytes.length, 0);
  }
}

function written(bytes: Uint8Array): WrittenFile {
  return { sizeBytes: bytes.length, sha256: createHash('sha256').update(bytes).digest('hex') };
}
