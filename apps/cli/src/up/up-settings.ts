import { resolve } from 'node:path';
import { findSettingsFile, loadSettings, type Tree } from '@podctl/platform/config/load.ts';
import type { Settings } from '@podctl/platform/config/settings.ts';
import { SettingsError } from '@podctl/platform/config/settings-error.ts';
import { CommandError, EXIT } from '../command-error.ts';
import { defaultDataDir } from '../endpoint.ts';
import { errorCode, whyNotRead } from '../file-error.ts';

export interface SettingsRequest {
  /** Undefined: `podctl.yaml` here, if it is there. */
  readonly config: string | undefined;
  /** Undefined: the file's, or the default one. */
  readonly dataDir: string | undefined;
  /** The sample is served on loopback. */
  readonly allowPrivate: boolean;
  readonly version: string;
}

/** What the environment says of the settings, in the file's own words. */
export function environmentSettings(env: NodeJS.ProcessEnv): Tree {
  const level = env.PODCTL_LOG_LEVEL;
  return level === undefined || level === '' ? {} : { log: { level } };
}

/** Flags win over the environment, that over the file, the file over the defaults. Rejects with CommandError (usage): one sentence. */
export async function settleSettings(request: SettingsRequest): Promise<Settings> {
  try {
    const file = request.config ?? (await findSettingsFile(process.cwd()));
    const network = request.allowPrivate ? { network: { allowPrivate: true } } : {};
    const place = request.dataDir === undefined ? {} : { dataDir: resolve(request.dataDir) };
    return await loadSettings({
      file,
      overrides: { ...environmentSettings(process.env), ...place, ...network },
      dataDir: defaultDataDir(),
      version: request.version,
    });
  } catch (error) {
    if (error instanceof SettingsError)
      throw new CommandError(EXIT.usage, settingsSentence(error, request.config), error);
    throw error;
  }
}

/** A settings file that cannot be read is told by what was seen; whatever else is wrong with it, by its own sentence. */
export function settingsSentence(error: SettingsError, config: string | undefined): string {
  if (errorCode(error) === null) return error.message;
  return config === undefined
    ? `${whyNotRead('podctl.yaml or podctl.toml here', error)}; mend its rights, or name another file with --config`
    : `${whyNotRead(config, error)}; name another settings file with --config, or leave --config out`;
}
