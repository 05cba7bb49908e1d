import { resolve } from 'node:path';
import { findSettingsFile, loadSettings } from '@podctl/platform/config/load.ts';
import type { Settings } from '@podctl/platform/config/settings.ts';
import { SettingsError } from '@podctl/platform/config/settings-error.ts';
import { CommandError, EXIT } from '../command-error.ts';
import { defaultDataDir } from '../endpoint.ts';

export interface SettingsRequest {
  /** Undefined: `podctl.yaml` here, if it is there. */
  readonly config: string | undefined;
  /** Undefined: the file's, or the default one. */
  readonly dataDir: string | undefined;
  /** The sample is served on loopback. */
  readonly allowPrivate: boolean;
  readonly version: string;
}

/** Flags win over the file, the file over the defaults. Rejects with CommandError (usage): one sentence. */
export async function settleSettings(request: SettingsRequest): Promise<Settings> {
  try {
    const file = request.config ?? (await findSettingsFile(process.cwd()));
    const network = request.allowPrivate ? { network: { allowPrivate: true } } : {};
    const place = request.dataDir === undefined ? {} : { dataDir: resolve(request.dataDir) };
    return await loadSettings({
      file,
      overrides: { ...place, ...network },
      dataDir: defaultDataDir(),
      version: request.version,
    });
  } catch (error) {
    if (error instanceof SettingsError) throw new CommandError(EXIT.usage, error.message, error);
    throw error;
  }
}
