import type { Readable } from 'node:stream';

/**
 * Where artifacts live, as a port. Paths are relative, with `/`, made by @podctl/domain/library-path.ts only.
 * A file appears under its name whole or not at all.
 */
export interface Library {
  /** Of the marker. */
  readonly id: string;
  /** Where it is, as `library.url` says it; there is no secret in it. */
  readonly place: string;
  /** What a second name of a file is: a link that costs nothing, or a copy that takes its room again. */
  readonly names: 'links' | 'copies';
  /** Whether the library is there: its marker file with its id is read. Checked before each use that matters. */
  check(): Promise<LibraryHealth>;
  /** Size of a file; null when it is not there. */
  stat(path: string): Promise<{ readonly sizeBytes: number; readonly modifiedMs: number } | null>;
  /** The whole of a small file. Rejects with `LibraryError` `missing`, or `too_large` above `maxBytes`. */
  readSmall(path: string, maxBytes: number): Promise<Uint8Array>;
  /** A stream of a file. Rejects with `LibraryError` `missing`. */
  read(path: string): Promise<Readable>;
  /** Writes to a temporary name beside the target while hashing, syncs, renames. Rejects with `LibraryError`; leaves nothing then. */
  write(path: string, source: AsyncIterable<Uint8Array>, signal: AbortSignal): Promise<WrittenFile>;
  /** Gives an existing file a second name: links to a temporary name, syncs, renames over `to`. Copies where links cannot go. */
  link(from: string, to: string): Promise<void>;
  /**
   * Gives a file of this machine, by its absolute path, a name in the library without copying its bytes. False where only a
   * copy could do it: another disk. Absent where the library is no folder of this machine.
   */
  linkIn?(source: string, path: string): Promise<boolean>;
  /**
   * Size and SHA-256 as the store itself recorded them when the file was written, without its bytes being read. Null where
   * the driver keeps no such record, where this file has none, and where there is no file.
   */
  recorded(path: string): Promise<WrittenFile | null>;
  /** Hashes a file as it lies there. */
  hash(path: string, signal: AbortSignal): Promise<WrittenFile>;
  /**
   * Files below a folder, any depth, at most `limit`, in order of path, those after the path `after`. Empty when the
   * folder is not there.
   */
  list(folder: string, limit: number, after?: string): Promise<readonly ListedFile[]>;
  /** Removes a folder and what is in it. Refuses with `LibraryError` `refused` anything that is not below `staging/`. */
  removeStaging(folder: string): Promise<void>;
  /**
   * Gives back what writes that were begun before `beforeMs` (epoch) left, where no list of files shows it; how many. A file
   * on its way may take longer than any age tells: `isNeeded` is asked of its path last.
   */
  dropUnfinished(beforeMs: number, isNeeded: (path: string) => Promise<boolean>): Promise<number>;
  /**
   * Removes one file below `episodes/` or `podcasts/`; nothing when it is not there. Only retention and the purge of a removed
   * feed do, after their records.
   * Refuses with `LibraryError` `refused` every other path.
   */
  remove(path: string): Promise<void>;
  /**
   * Removes the folders below `folder` that hold no file, and itself when it is one: below `episodes/` or `podcasts/`. Refuses
   * with `LibraryError` `refused` every other. Absent where the store knows no folders.
   */
  removeEmptyFolders?(folder: string): Promise<void>;
  /** Bytes free and in all, where the driver can tell. */
  space(): Promise<{ readonly freeBytes: number; readonly sizeBytes: number } | null>;
}

export interface WrittenFile {
  readonly sizeBytes: number;
  /** Hex. */
  readonly sha256: string;
}

export interface ListedFile {
  readonly path: string;
  readonly sizeBytes: number;
  readonly modifiedMs: number;
}

export type LibraryHealth =
  | { readonly kind: 'online' }
  | { readonly kind: 'offline'; readonly reason: string };

/** `full`: no space left. `offline`: the library is not there. `refused`: the path is not allowed. */
export type LibraryErrorCode = 'missing' | 'too_large' | 'full' | 'offline' | 'refused' | 'io';

export class LibraryError extends Error {
  readonly code: LibraryErrorCode;
  constructor(code: LibraryErrorCode, message: string, cause?: unknown) {
    super(message, { cause });
    this.name = 'LibraryError';
    this.code = code;
  }
}
