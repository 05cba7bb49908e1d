import { chmod, mkdir, open, readdir, readFile, rename, rm, rmdir, stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import { CommandError, EXIT } from '../command-error.ts';
import { errorCode, whySeen } from '../file-error.ts';
import type { Effect, FileEffect } from './effect.ts';
import type { MachineRoot } from './machine-root.ts';
import type { RunProgram } from './ports.ts';
import { failureWords } from './run-program.ts';

export interface EffectTools {
  readonly root: MachineRoot;
  readonly run: RunProgram;
}

/** useradd, chown of a Python environment, systemctl: none takes long, but a disk may be slow. */
const COMMAND_MS_MAX = 120_000;

/** Rejects with CommandError: what was seen, and what to do. */
export async function applyEffect(effect: Effect, { root, run }: EffectTools): Promise<void> {
  switch (effect.kind) {
    case 'file':
      return told(effect.path, () => writeFileOf({ ...effect, path: root.at(effect.path) }));
    case 'folder':
      return told(effect.path, () => makeFolder(root.at(effect.path), effect.mode));
    case 'remove':
      return told(effect.path, () => rm(root.at(effect.path), { recursive: true, force: true }));
    case 'remove-empty':
      return told(effect.path, () => removeEmpty(root.at(effect.path)));
    case 'command': {
      const timeoutMs = effect.limitMs ?? COMMAND_MS_MAX;
      const end = await run(effect.argv, { timeoutMs });
      if (effect.mayFail === true || (end.kind === 'ended' && end.code === 0)) return;
      throw new CommandError(
        EXIT.failed,
        `${failureWords(effect.argv, end, timeoutMs)}; mend what it says, then run this command again`,
      );
    }
    case 'other':
      return;
  }
}

/** Whether the file is as it should be: its text and its mode. */
export async function fileIsThere(effect: FileEffect, root: MachineRoot): Promise<boolean> {
  const path = root.at(effect.path);
  try {
    const { mode } = await stat(path);
    return (mode & 0o777) === effect.mode && (await readFile(path, 'utf8')) === effect.text;
  } catch (error) {
    if (errorCode(error) === 'ENOENT') return false;
    throw failed(effect.path, error);
  }
}

/** Whether a file or folder is there at all. */
export async function isThere(path: string): Promise<boolean> {
  try {
    await stat(path);
    return true;
  } catch {
    return false;
  }
}

async function writeFileOf({ path, mode, text }: FileEffect): Promise<void> {
  await mkdir(dirname(path), { recursive: true });
  const part = `${path}.part`;
  const file = await open(part, 'w', mode);
  try {
    await file.writeFile(text);
    // The umask of whoever installs must not hide it from the service.
    await file.chmod(mode);
    await file.sync();
  } finally {
    await file.close();
  }
  await rename(part, path);
}

async function makeFolder(path: string, mode: number): Promise<void> {
  const made = await mkdir(path, { recursive: true, mode });
  // One that was there before keeps its rights: they may be somebody's choice.
  if (made !== undefined) await chmod(path, mode);
}

async function removeEmpty(path: string): Promise<void> {
  try {
    if ((await readdir(path)).length === 0) await rmdir(path);
  } catch (error) {
    if (errorCode(error) !== 'ENOENT') throw error;
  }
}

async function told(path: string, act: () => Promise<void>): Promise<void> {
  try {
    await act();
  } catch (error) {
    throw failed(path, error);
  }
}

function failed(path: string, error: unknown): CommandError {
  const why = whySeen(error) ?? (error instanceof Error ? error.message : String(error));
  return new CommandError(
    EXIT.failed,
    `${path} could not be changed: ${why}; mend that, or run this command as root, then run it again`,
    error,
  );
}
