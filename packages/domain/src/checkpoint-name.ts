import { isFileName } from './manifest.ts';
import { invariant } from './result.ts';

/**
 * A checkpoint is what an attempt has heard so far, in a file of its token's staging folder, beside what it will hand in and
 * never in its manifest: so whoever may write the attempt's files may write it, and it can harm nobody else's. It
 * is found again by its name alone, which says for which run it counts, of what it is (`key`: a hash of the audio and of all
 * that decides the text), and how far it goes. A newer one is a further file: none is ever written over.
 */
export interface CheckpointName {
  readonly run: number;
  /** CHECKPOINT_KEY_LENGTH digits of a SHA-256, hex. */
  readonly key: string;
  /** Of the audio: all before it is done. */
  readonly milliseconds: number;
}

export const CHECKPOINT_KEY_LENGTH = 16;
/** Of one pass over the audio: an attempt makes two at most, and they take places among its files (FILES_MAX). */
export const CHECKPOINTS_MAX = 28;
/** Compressed: a day of speech has 4 MB. */
export const CHECKPOINT_BYTES_MAX = 16 * 1024 ** 2;
/** Of one job that are looked at to find the farthest. */
export const CHECKPOINT_FILES_MAX = 4_096;

const namePattern = /^checkpoint-r([1-9]\d{0,8})-([0-9a-f]{16})-(\d{1,12})\.json\.gz$/;

export function checkpointName({ run, key, milliseconds }: CheckpointName): string {
  const name = `checkpoint-r${run}-${key}-${milliseconds}.json.gz`;
  invariant(isFileName(name) && namePattern.test(name), 'a checkpoint has a good name');
  return name;
}

export function isCheckpointKey(text: string): boolean {
  return /^[0-9a-f]{16}$/.test(text);
}

/** Null for every other file of an attempt. */
export function parseCheckpointName(name: string): CheckpointName | null {
  const [, run = '', key = '', milliseconds = ''] = namePattern.exec(name) ?? [];
  return run === '' ? null : { run: Number(run), key, milliseconds: Number(milliseconds) };
}

/** Of the paths in a job's staging folders that of the farthest checkpoint of this run and key; null when there is none. */
export function farthestCheckpoint(
  paths: readonly string[],
  { run, key }: Pick<CheckpointName, 'run' | 'key'>,
): string | null {
  let farthest: { readonly path: string; readonly milliseconds: number } | null = null;
  for (const path of paths) {
    const name = parseCheckpointName(path.slice(path.lastIndexOf('/') + 1));
    if (name?.run !== run || name.key !== key) continue;
    if (farthest === null || name.milliseconds > farthest.milliseconds)
      farthest = { path, milliseconds: name.milliseconds };
  }
  return farthest?.path ?? null;
}
