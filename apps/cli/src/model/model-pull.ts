import { mkdir, readdir, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type Child, spawnChild } from '@podctl/platform/child/child-process.ts';
import { modelsFolder } from '@podctl/platform/model-folder.ts';
import { CommandError, EXIT } from '../command-error.ts';
import { oneLine } from '../render/cell.ts';
import type { FileChecksum } from './checksums.ts';
import { importModel } from './model-import.ts';

export interface PullOptions {
  /** One of faster-whisper's sizes, or owner/name on the hub. */
  readonly model: string;
  /** Its name here. */
  readonly name: string;
  readonly revision: string | null;
  readonly dataDir: string;
  /** The Python of the engine. */
  readonly python: string;
  readonly signal: AbortSignal;
  /** Bytes that are here, each 2 s. */
  readonly fetched: (bytes: number) => void;
}

const script = fileURLToPath(new URL('../../../agent/engines/model_fetch.py', import.meta.url));
const PROGRESS_MS = 2_000;
const GRACE_MS = 2_000;
const UNKNOWN = 2;

/**
 * Fetches a model from the hub by the engine's own library, then takes it in as an import does: whole, with checksums.
 * What was fetched stays when it breaks off, and the next pull goes on. Rejects with CommandError, or the signal's reason.
 */
export async function pullModel(options: PullOptions): Promise<readonly FileChecksum[]> {
  const making = join(modelsFolder(options.dataDir), `.pulling-${options.name}`);
  await mkdir(making, { recursive: true });
  await fetched(options, making);
  const files = await importModel(making, options.name, options.dataDir, () => undefined);
  await rm(making, { recursive: true, force: true });
  return files;
}

async function fetched(options: PullOptions, making: string): Promise<void> {
  const { model, revision, python, signal } = options;
  signal.throwIfAborted();
  const child = await spawnChild({
    name: 'model fetch',
    command: python,
    args: [script, model, making, ...(revision === null ? [] : [revision])],
    tie: 'stdin',
    // Its bars are for a terminal of its own.
    env: { ...process.env, HF_HUB_DISABLE_PROGRESS_BARS: '1', HF_HUB_DISABLE_TELEMETRY: '1' },
    stdout: 'log',
    log: () => undefined,
  });
  const stop = () => void child.stop({ graceMs: GRACE_MS });
  signal.addEventListener('abort', stop, { once: true });
  const timer = setInterval(() => void bytesIn(making).then(options.fetched), PROGRESS_MS);
  try {
    await ended(child, options);
  } finally {
    clearInterval(timer);
    signal.removeEventListener('abort', stop);
  }
}

async function ended(child: Child, { model, signal }: PullOptions): Promise<void> {
  const { code, stderrTail } = await child.exited;
  signal.throwIfAborted();
  if (code === 0) return;
  const why = oneLine(stderrTail.trim().split('\n').at(-1) ?? '').replace(/[.\s]+$/, '');
  if (code === UNKNOWN)
    throw new CommandError(EXIT.notFound, `the model ${model} was not found: ${why}`);
  throw new CommandError(
    EXIT.unavailable,
    `the model ${model} could not be fetched: ${why || 'the fetch was ended'}; run the same command to go on, or bring its folder with "podctl model import"`,
  );
}

async function bytesIn(folder: string): Promise<number> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true }).catch(() => []);
  let bytes = 0;
  for (const entry of entries) {
    if (!entry.isFile()) continue;
    const found = await stat(join(entry.parentPath, entry.name)).catch(() => null);
    bytes += found?.size ?? 0;
  }
  return bytes;
}
