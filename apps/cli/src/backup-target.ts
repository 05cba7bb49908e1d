import { createWriteStream } from 'node:fs';
import { link, rename, rm, stat } from 'node:fs/promises';
import { pipeline } from 'node:stream/promises';
import { createGzip } from 'node:zlib';
import { CommandError, EXIT } from './command-error.ts';
import { errorCode, whySeen } from './file-error.ts';

/** Rejects with CommandError when the file is there and may not be replaced. */
export async function refuseExisting(path: string, force: boolean): Promise<void> {
  const isThere = await stat(path).then(
    () => true,
    () => false,
  );
  if (isThere && !force) throw existing(path);
}

/**
 * Gzips what comes into a file that only this user may read, at once or not at all: an existing one stays until the new
 * one is whole, and for good without `force`. Gives the file's size. Rejects with CommandError, or as `pieces` does.
 */
export async function writeBackup(
  path: string,
  pieces: AsyncIterable<Uint8Array>,
  force: boolean,
): Promise<number> {
  const part = `${path}.part`;
  try {
    // One that a killed process left behind may have other rights.
    await rm(part, { force: true });
    await pipeline(pieces, createGzip(), createWriteStream(part, { mode: 0o600, flush: true }));
    const { size } = await stat(part);
    if (force) await rename(part, path);
    else await linkNew(part, path);
    return size;
  } catch (error) {
    await rm(part, { force: true });
    const why = whySeen(error);
    if (why === null || error instanceof CommandError) throw error;
    const sentence = `${path} cannot be written: ${why}; name another file`;
    throw new CommandError(EXIT.failed, sentence, error);
  }
}

/** A rename would replace what was made there meanwhile. */
async function linkNew(part: string, path: string): Promise<void> {
  try {
    await link(part, path);
  } catch (error) {
    if (errorCode(error) === 'EEXIST') throw existing(path);
    throw error;
  }
  await rm(part);
}

function existing(path: string): CommandError {
  return new CommandError(
    EXIT.conflict,
    `${path} is there already; name another file, or replace it with --force`,
  );
}
