import { type FileHandle, open, rm } from 'node:fs/promises';
import { CommandError, EXIT } from './command-error.ts';
import { errorCode, whySeen } from './file-error.ts';

/**
 * A new file that only this user may read, made before what goes into it is known: a secret that is told once must not
 * find a full disk. It is removed again when `fill` rejects. Rejects with CommandError when it cannot be made.
 */
export async function withNewPrivateFile<T>(
  path: string,
  fill: (write: (content: string | Uint8Array) => Promise<void>) => Promise<T>,
): Promise<T> {
  const file = await made(path);
  try {
    return await fill(async (content) => {
      await file.writeFile(content);
      await file.sync();
    });
  } catch (error) {
    await rm(path, { force: true });
    throw error;
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
    throw new CommandError(EXIT.failed, `${path} cannot be written: ${why}; name another file`);
  }
}
