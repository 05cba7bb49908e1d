import { mkdir, stat } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { CommandError, EXIT } from '../command-error.ts';
import { ENDPOINT_FILE } from '../endpoint.ts';
import { errorCode, whySeen } from '../file-error.ts';

/** Where `up` keeps what, under its data folder. */
export interface DataFolder {
  readonly root: string;
  /** Written when the coordinator is ready, for the other commands. */
  readonly endpointFile: string;
  readonly nats: string;
  readonly logs: string;
  readonly coordinatorState: string;
  readonly agentState: string;
  readonly python: string;
  /** Bootstrap files of the children, and what they answer. */
  readonly run: string;
  readonly sampleFile: string;
}

export function dataFolder(root: string): DataFolder {
  return {
    root,
    endpointFile: join(root, ENDPOINT_FILE),
    nats: join(root, 'nats'),
    logs: join(root, 'logs'),
    coordinatorState: join(root, 'coordinator'),
    agentState: join(root, 'agent'),
    python: join(root, 'python'),
    run: join(root, 'run'),
    sampleFile: join(root, 'sample.json'),
  };
}

/**
 * Makes the data folder and those above it. One at a time: Node's own recursive `mkdir` never ends on a file system that
 * answers ENOENT to it (/proc). Rejects with CommandError.
 */
export async function makeDataFolder(root: string): Promise<void> {
  const missing: string[] = [];
  for (let path = resolve(root); !(await isThere(path, root)); path = dirname(path))
    missing.unshift(path);
  for (const path of missing)
    try {
      await mkdir(path);
    } catch (error) {
      if (errorCode(error) !== 'EEXIST') throw dataFolderError(root, error);
    }
}

/** What was seen, and what to do: the errors of the data folder all end alike. */
export function dataFolderError(root: string, error: unknown): CommandError {
  const why = whySeen(error) ?? (error instanceof Error ? error.message : String(error));
  return new CommandError(
    EXIT.failed,
    `${root} cannot be used as the data folder: ${why}; choose another with --data-dir`,
    error,
  );
}

async function isThere(path: string, root: string): Promise<boolean> {
  try {
    const found = await stat(path);
    if (found.isDirectory()) return true;
    throw dataFolderError(root, Object.assign(new Error('no folder'), { code: 'ENOTDIR' }));
  } catch (error) {
    if (errorCode(error) === 'ENOENT' && path !== dirname(path)) return false;
    throw error instanceof CommandError ? error : dataFolderError(root, error);
  }
}
