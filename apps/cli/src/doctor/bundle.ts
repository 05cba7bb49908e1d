import { type FileHandle, open, rm } from 'node:fs/promises';
import { gzipSync } from 'node:zlib';
import { CommandError, EXIT } from '../command-error.ts';
import { configFolder } from '../context/context-store.ts';
import { errorCode, whySeen } from '../file-error.ts';
import type { RunProgram } from '../install/ports.ts';
import { bundleContents } from './bundle-contents.ts';
import type { Examination } from './examine.ts';
import { knownSecrets } from './known-secrets.ts';
import { ustar } from './ustar.ts';

/** A new file that only this user may read; gives the names of what is in it. Rejects with CommandError. */
export async function writeBundle(
  path: string,
  examination: Examination,
  podctlVersion: string,
  run: RunProgram,
): Promise<readonly string[]> {
  const file = await made(path);
  try {
    const token = examination.endpoint?.token ?? null;
    const known = await knownSecrets(examination.settings, configFolder(), token);
    const files = await bundleContents(examination, podctlVersion, known, run);
    await file.writeFile(gzipSync(ustar(files, Date.now())));
    await file.sync();
    return files.map(({ name }) => name);
  } catch (error) {
    await rm(path, { force: true });
    const why = whySeen(error);
    if (why === null) throw error;
    throw new CommandError(
      EXIT.failed,
      `${path} cannot be written: ${why}; name another file`,
      error,
    );
  } finally {
    await file.close();
  }
}

async function made(path: string): Promise<FileHandle> {
  try {
    return await open(path, 'wx', 0o600);
  } catch (error) {
    if (errorCode(error) === 'EEXIST')
      throw new CommandError(
        EXIT.conflict,
        `${path} is there already; name another file, or remove it first`,
        error,
      );
    const why = whySeen(error);
    if (why === null) throw error;
    throw new CommandError(
      EXIT.failed,
      `${path} cannot be written: ${why}; name another file`,
      error,
    );
  }
}
