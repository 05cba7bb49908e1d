import { resolve } from 'node:path';
import { checkSettings, findSettingsFile, settingsTree } from '@podctl/platform/config/load.ts';
import type { SettingSource } from '@podctl/platform/config/origins.ts';
import { SettingsError } from '@podctl/platform/config/settings-error.ts';
import { CommandError, EXIT } from './command-error.ts';
import { environmentSettings, settingsSentence } from './up/up-settings.ts';

export interface SettingsPlaces {
  /** Null: none is there, and none was named. */
  readonly file: string | null;
  /** What wins comes first. */
  readonly sources: readonly SettingSource[];
}

/**
 * What `podctl up` and the `run` commands would go by here, checked. Rejects with CommandError (usage) when it does not fit.
 *
 * @param config from `--config`.
 * @param dataDir from `--data-dir` or its variable; `isFlag` tells which.
 */
export async function settingsPlaces(
  config: string | undefined,
  dataDir: string | undefined,
  isFlag: boolean,
): Promise<SettingsPlaces> {
  try {
    const file = config ?? (await findSettingsFile(process.cwd()));
    const tree = await settingsTree(file);
    checkSettings(file ?? 'the settings', tree);
    const environment = environmentSettings(process.env);
    checkSettings('PODCTL_LOG_LEVEL', environment);
    const place = dataDir === undefined ? {} : { dataDir: resolve(dataDir) };
    const sources: SettingSource[] = [
      isFlag
        ? { origin: 'flag', from: '--data-dir', tree: place }
        : { origin: 'environment', from: 'PODCTL_DATA_DIR', tree: place },
      { origin: 'environment', from: 'PODCTL_LOG_LEVEL', tree: environment },
      ...(file === null ? [] : [{ origin: 'file', from: resolve(file), tree } as const]),
    ];
    return { file: file === null ? null : resolve(file), sources };
  } catch (error) {
    if (error instanceof SettingsError)
      throw new CommandError(EXIT.usage, settingsSentence(error, config), error);
    throw error;
  }
}
