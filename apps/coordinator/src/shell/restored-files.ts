import type { Library } from '@podctl/platform/library.ts';
import type { BackupFilePart } from '../core/backup.ts';

/** As large a file as a backup holds, in UTF-16 units. */
const LENGTH_MAX = 40 * 1_024 * 1_024;

/**
 * Puts the files of a backup into the library where they are missing; what is there stays as it is. Rejects with
 * `LibraryError`. The same may be done again.
 */
export class RestoredFiles {
  readonly #library: Pick<Library, 'stat' | 'write'>;
  readonly #signal: AbortSignal;
  #path = '';
  #parts: string[] = [];
  #length = 0;
  #written = 0;

  constructor(library: Pick<Library, 'stat' | 'write'>, signal: AbortSignal) {
    this.#library = library;
    this.#signal = signal;
  }

  /** Files that were missing. */
  get written(): number {
    return this.#written;
  }

  async take({ path, text, isLast }: BackupFilePart): Promise<void> {
    if (path !== this.#path) this.#begin(path);
    this.#parts.push(text);
    this.#length += text.length;
    if (this.#length > LENGTH_MAX) throw new Error(`${path} is longer than any transcript`);
    if (!isLast) return;
    const whole = this.#parts.join('');
    this.#begin('');
    if ((await this.#library.stat(path)) !== null) return;
    await this.#library.write(path, once(whole), this.#signal);
    this.#written += 1;
  }

  #begin(path: string): void {
    this.#path = path;
    this.#parts = [];
    this.#length = 0;
  }
}

async function* once(text: string): AsyncGenerator<Uint8Array> {
  yield Buffer.from(text);
}
