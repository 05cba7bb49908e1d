import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { pipeline } from 'node:stream';
import { createGunzip } from 'node:zlib';
import {
  type BackupEntry,
  type BackupFilePart,
  type BackupHeader,
  type BackupLine,
  LINE_LENGTH_MAX,
  readLine,
} from '../core/backup.ts';

/** The file is not a whole backup. The message is one sentence. */
export class BackupFileError extends Error {
  override readonly name = 'BackupFileError';
}

export interface CheckedBackup {
  readonly header: BackupHeader;
  readonly keys: number;
  /** Names the backup: of all lines before the last. */
  readonly sha256: string;
}

const NEW_LINE = 10;
const OTHER_COPY = 'use another copy of the backup';

/** Reads the whole file and keeps none of it. Rejects with BackupFileError when it is cut short, changed, or no backup. */
export async function checkBackup(
  path: string,
  signal: AbortSignal,
  told: (keys: number) => void = () => undefined,
): Promise<CheckedBackup> {
  const reader = new BackupReader(path);
  let keys = 0;
  for await (const _entry of reader.entries(signal)) told(++keys);
  return reader.checked();
}

/** One reading of a backup file, a line at a time. */
export class BackupReader {
  readonly #path: string;
  readonly #takeFile: ((part: BackupFilePart) => Promise<void>) | undefined;
  readonly #hash = createHash('sha256');
  #header: BackupHeader | null = null;
  #checked: CheckedBackup | null = null;
  #line = 0;
  #keys = 0;

  /** @param takeFile is given the parts of the library's files as they come; nobody reads on meanwhile. */
  constructor(path: string, takeFile?: (part: BackupFilePart) => Promise<void>) {
    this.#path = path;
    this.#takeFile = takeFile;
  }

  /** What the file is, once all entries were read. */
  checked(): CheckedBackup {
    if (this.#checked === null) throw this.#cutShort();
    return this.#checked;
  }

  /** Ends only after a whole backup; else rejects with BackupFileError. */
  async *entries(signal: AbortSignal): AsyncGenerator<BackupEntry> {
    for await (const line of this.#lines(signal)) {
      this.#line += 1;
      const taken = this.#take(line);
      if (taken?.kind === 'entry') yield taken.entry;
      if (taken?.kind === 'file') await this.#takeFile?.(taken.part);
    }
    this.checked();
  }

  #take(bytes: Buffer): Extract<BackupLine, { kind: 'entry' | 'file' }> | null {
    if (this.#checked !== null) throw this.#changed('goes on after its end');
    const read = readLine(bytes.toString('utf8'));
    if (!read.ok) throw this.#changed(`line ${this.#line} ${read.error}`);
    const line = read.value;
    if ((line.kind === 'header') !== (this.#header === null))
      throw this.#changed(`line ${this.#line} is not where it belongs`);
    if (line.kind === 'trailer') {
      this.#end(line.trailer);
      return null;
    }
    this.#hash.update(bytes).update('\n');
    if (line.kind === 'header') {
      this.#header = line.header;
      return null;
    }
    if (line.kind === 'entry') this.#keys += 1;
    return line;
  }

  #end({ keys, sha256 }: { readonly keys: number; readonly sha256: string }): void {
    if (keys !== this.#keys) throw this.#changed(`has ${this.#keys} of its ${keys} keys`);
    if (sha256 !== this.#hash.digest('hex')) throw this.#changed('does not have its SHA-256');
    if (this.#header === null) throw this.#changed('has no head');
    this.#checked = { header: this.#header, keys, sha256 };
  }

  async *#lines(signal: AbortSignal): AsyncGenerator<Buffer> {
    const gunzip = createGunzip();
    // Errors of the file come out of the iteration below.
    pipeline(createReadStream(this.#path, { signal }), gunzip, () => undefined);
    let rest: Buffer = Buffer.alloc(0);
    try {
      for await (const chunk of gunzip as AsyncIterable<Buffer>) {
        let from = 0;
        const bytes = rest.length === 0 ? chunk : Buffer.concat([rest, chunk]);
        for (let end = bytes.indexOf(NEW_LINE); end !== -1; end = bytes.indexOf(NEW_LINE, from)) {
          yield bytes.subarray(from, end);
          from = end + 1;
        }
        rest = bytes.subarray(from);
        if (rest.length > LINE_LENGTH_MAX) throw this.#changed('has a line without an end');
      }
    } catch (error) {
      signal.throwIfAborted();
      throw error instanceof BackupFileError ? error : this.#unreadable(error);
    }
    if (rest.length > 0) throw this.#cutShort();
  }

  #unreadable(error: unknown): BackupFileError {
    const code = error instanceof Error && 'code' in error ? String(error.code) : '';
    if (code === 'Z_BUF_ERROR') return this.#cutShort();
    if (code.startsWith('Z_'))
      return this.#line === 0
        ? new BackupFileError(
            `${this.#path} is no backup of podctl: it is not gzipped; name the file that "podctl backup create" wrote`,
          )
        : this.#changed('cannot be unpacked');
    const why = error instanceof Error ? error.message : String(error);
    return new BackupFileError(
      `${this.#path} cannot be read: ${why}; name the file that "podctl backup create" wrote`,
    );
  }

  #cutShort(): BackupFileError {
    return new BackupFileError(
      `${this.#path} is cut short: its end is missing; nothing of it was taken: ${OTHER_COPY}`,
    );
  }

  #changed(what: string): BackupFileError {
    return new BackupFileError(
      `${this.#path} was changed or is no backup of podctl: it ${what.startsWith('line') ? 'is wrong: ' : ''}${what}; ${OTHER_COPY}`,
    );
  }
}
