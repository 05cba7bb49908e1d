import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { constants, fstatSync } from 'node:fs';
import { type FileHandle, mkdir, open } from 'node:fs/promises';
import { join } from 'node:path';

/**
 * A lock on a folder, held by a whole family of processes: `flock` on one open file description, which children inherit
 * as a descriptor. The kernel frees it when the last of them is gone, however they went; a file that lies there proves nothing.
 */
export interface FolderLock {
  /** To be handed to children (`ChildSpec.lockFd`), so that the lock stays while any of them lives. */
  readonly fd: number;
  /** Closes our descriptor. Safe twice. */
  release(): Promise<void>;
}

export interface FolderLockOptions {
  /** How long to wait for another holder; 0 for not at all. */
  readonly waitMs: number;
  readonly signal: AbortSignal;
  /** Called once, with the holder in words, when it has to wait. */
  readonly onWait?: (holder: string) => void;
}

/** `taken`: another process holds it. `no_flock`: the program `flock` is missing. `io`: the folder cannot be written. */
export type FolderLockErrorCode = 'taken' | 'no_flock' | 'io';

export class FolderLockError extends Error {
  readonly code: FolderLockErrorCode;
  constructor(code: FolderLockErrorCode, message: string, cause?: unknown) {
    super(message, { cause });
    this.name = 'FolderLockError';
    this.code = code;
  }
}

/** Names the descriptor of the family's lock in a child; it is passed on to each child that must keep the lock. */
export const LOCK_FD_VARIABLE = 'PODCTL_LOCK_FD';

/** The lock that this process was given by its parent; null when there is none. Takes the variable out of the environment. */
export function inheritedLockFd(env: NodeJS.ProcessEnv = process.env): number | null {
  const text = env[LOCK_FD_VARIABLE];
  delete env[LOCK_FD_VARIABLE];
  const fd = Number(text);
  if (text === undefined || !Number.isInteger(fd) || fd < 3) return null;
  try {
    return fstatSync(fd).isFile() ? fd : null;
  } catch {
    return null;
  }
}

/** Makes the folder where it is missing. Rejects with `FolderLockError`, or with the signal's reason. */
export async function acquireFolderLock(
  folder: string,
  options: FolderLockOptions,
): Promise<FolderLock> {
  options.signal.throwIfAborted();
  const file = await openLockFile(folder);
  try {
    if (!(await flock(file, ['-n'], options.signal))) {
      const holder = await holderOf(file);
      if (options.waitMs > 0) options.onWait?.(holder);
      const seconds = String(options.waitMs / 1000);
      if (options.waitMs <= 0 || !(await flock(file, ['-w', seconds], options.signal)))
        throw new FolderLockError(
          'taken',
          `another podctl (${holder}) uses ${folder}; stop it, or name another folder with dataDir`,
        );
    }
    await file.truncate(0);
    await file.write(`${process.pid}\n`, 0);
  } catch (error) {
    await file.close();
    throw error;
  }
  let open = true;
  return {
    fd: file.fd,
    release: async () => {
      if (!open) return;
      open = false;
      await file.close();
    },
  };
}

async function openLockFile(folder: string): Promise<FileHandle> {
  try {
    await mkdir(folder, { recursive: true });
    return await open(join(folder, 'lock'), constants.O_RDWR | constants.O_CREAT);
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    throw new FolderLockError('io', `${folder} cannot be used as a data folder: ${why}`, error);
  }
}

/** Node has no flock of its own: util-linux's program locks the file description that it inherits from us. */
async function flock(
  file: FileHandle,
  how: readonly string[],
  signal: AbortSignal,
): Promise<boolean> {
  signal.throwIfAborted();
  const child = spawn('flock', [...how, '3'], { stdio: ['ignore', 'ignore', 'pipe', file.fd] });
  let words = '';
  child.stderr?.on('data', (chunk: Buffer) => {
    words = (words + chunk.toString('utf8')).slice(-500);
  });
  const stop = () => child.kill('SIGKILL');
  signal.addEventListener('abort', stop, { once: true });
  try {
    const [code] = (await once(child, 'close')) as [number | null];
    signal.throwIfAborted();
    if (code === 0) return true;
    if (code === 1) return false;
    throw new FolderLockError('io', `the data folder could not be locked: ${words.trim() || code}`);
  } catch (error) {
    if (isMissing(error))
      throw new FolderLockError(
        'no_flock',
        'the program flock was not found; install the package util-linux',
        error,
      );
    throw error;
  } finally {
    signal.removeEventListener('abort', stop);
  }
}

async function holderOf(file: FileHandle): Promise<string> {
  const { buffer, bytesRead } = await file.read(Buffer.alloc(32), 0, 32, 0);
  const pid = buffer.subarray(0, bytesRead).toString('utf8').trim();
  return /^\d+$/.test(pid) ? `pid ${pid}` : 'pid not known';
}

function isMissing(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'ENOENT';
}
