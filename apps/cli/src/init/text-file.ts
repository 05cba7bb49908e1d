import { readFile } from 'node:fs/promises';
import { CommandError, EXIT } from '../command-error.ts';
import { errorCode, whyNotRead } from '../file-error.ts';

/** Null when there is no such file. Rejects with CommandError. */
export async function textOrNull(path: string): Promise<string | null> {
  try {
    return await readFile(path, 'utf8');
  } catch (error) {
    if (errorCode(error) === 'ENOENT') return null;
    throw new CommandError(
      EXIT.failed,
      `${whyNotRead(path, error)}; mend its rights, or run this command as root, then run it again`,
      error,
    );
  }
}
