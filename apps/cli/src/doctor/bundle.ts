import { gzipSync } from 'node:zlib';
import { CommandError, EXIT } from '../command-error.ts';
import { configFolder } from '../context/context-store.ts';
import { whySeen } from '../file-error.ts';
import type { RunProgram } from '../install/ports.ts';
import { withNewPrivateFile } from '../private-file.ts';
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
  try {
    return await withNewPrivateFile(path, async (write) => {
      const token = examination.endpoint?.token ?? null;
      // Of the agent that is installed here, where there is one: it is what is looked into.
      const settings = examination.here?.settings ?? examination.settings;
      const known = await knownSecrets(settings, configFolder(), token);
      const files = await bundleContents({ ...examination, settings }, podctlVersion, known, run);
      await write(gzipSync(ustar(files, Date.now())));
      return files.map(({ name }) => name);
    });
  } catch (error) {
    const why = error instanceof CommandError ? null : whySeen(error);
    if (why === null) throw error;
    throw new CommandError(
      EXIT.failed,
      `${path} cannot be written: ${why}; name another file`,
      error,
    );
  }
}
