import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { type AppKey, bootstrapVariable } from '@podctl/platform/bootstrap.ts';
import { spawnChild } from '@podctl/platform/child/child-process.ts';
import { acquireFolderLock, FolderLockError } from '@podctl/platform/folder-lock.ts';
import { writeJsonFile } from '@podctl/platform/json-file.ts';
import { CommandError, commandErrorFrom, EXIT } from '../command-error.ts';
import { appScript } from './bootstrap.ts';
import { FILE_THREADS } from './file-threads.ts';
import type { Stopping } from './stopping.ts';

export interface SingleApp {
  readonly key: AppKey;
  /** A folder that only one process of this app may use. */
  readonly stateDir: string;
  /** How long it may take to finish what runs, before its end begins. */
  readonly drainMs: number;
  readonly bootstrap: object;
}

const GRACE_MS = 9_000;

/**
 * Runs one app until it ends or is to stop; its output is ours. Rejects with CommandError when it failed, or did not end
 * in order. It leads a group of its own: a Ctrl-C reaches it only from here. It answers each request itself (drain, end,
 * force); only one that all that did not end is killed.
 */
export async function runSingleApp(app: SingleApp, stopping: Stopping): Promise<void> {
  await mkdir(app.stateDir, { recursive: true, mode: 0o700 });
  const lock = await lockOf(app.stateDir, stopping.signal);
  try {
    const path = join(app.stateDir, 'bootstrap.json');
    await writeJsonFile(path, app.bootstrap);
    const child = await spawnChild({
      name: app.key,
      command: process.execPath,
      args: [appScript(app.key)],
      tie: 'node',
      env: { ...FILE_THREADS, ...process.env, [bootstrapVariable(app.key)]: path },
      stdout: 'inherit',
      stderr: 'inherit',
      log: () => undefined,
      lockFd: lock.fd,
    });
    const stop = (graceMs: number) => void child.stop({ graceMs, signal: stopping.asked() });
    const first = () => stop(app.drainMs + GRACE_MS);
    stopping.onAgain(() => stop(GRACE_MS));
    stopping.signal.addEventListener('abort', first, { once: true });
    if (stopping.signal.aborted) first();
    const { code, signal } = await child.exited;
    if (stopping.signal.aborted && code !== 0) throw commandErrorFrom(stopping.signal.reason);
    if (code === EXIT.denied)
      throw new CommandError(
        EXIT.denied,
        `the ${app.key} was not let in; its last lines above say why`,
      );
    if (code !== 0)
      throw new CommandError(
        EXIT.failed,
        `the ${app.key} ended ${signal === null ? `with code ${code}` : `by ${signal}`}; its last lines above say why`,
      );
  } finally {
    await lock.release();
  }
}

async function lockOf(folder: string, signal: AbortSignal) {
  try {
    return await acquireFolderLock(folder, { waitMs: 0, signal });
  } catch (error) {
    if (!(error instanceof FolderLockError)) throw error;
    throw new CommandError(
      error.code === 'taken' ? EXIT.conflict : EXIT.failed,
      error.message,
      error,
    );
  }
}
