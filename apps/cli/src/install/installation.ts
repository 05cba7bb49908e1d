import { loadSettings } from '@podctl/platform/config/load.ts';
import type { Settings } from '@podctl/platform/config/settings.ts';
import { SettingsError } from '@podctl/platform/config/settings-error.ts';
import { CommandError, EXIT } from '../command-error.ts';
import { isThere } from './apply-effect.ts';
import { foregroundPaths, type InstallPaths, servicePaths } from './install-paths.ts';
import type { MachineRoot } from './machine-root.ts';

/** An agent that is, or will be, installed on this machine. */
export interface Installation {
  readonly paths: InstallPaths;
  /** Whether its configuration or its unit is there. */
  readonly found: boolean;
  readonly settings: Settings;
}

export interface Whereabouts {
  readonly root: MachineRoot;
  /** From `--data-dir`; null when it was not given. */
  readonly dataDirFlag: string | null;
  /** The data folder when nobody names one. */
  readonly dataDirDefault: string;
  readonly version: string;
}

/** systemd is the first process, as sd_booted(3) tells. */
export function hasSystemd(root: MachineRoot): Promise<boolean> {
  return isThere(root.at('/run/systemd/system'));
}

/** How to install. Rejects with CommandError when the person must choose. */
export function modeFor(facts: {
  readonly isRoot: boolean;
  readonly systemd: boolean;
  readonly foreground: boolean;
}) {
  if (facts.foreground || !facts.systemd) return 'foreground' as const;
  if (facts.isRoot) return 'service' as const;
  throw new CommandError(
    EXIT.usage,
    'systemd runs here, and only root may install a service; run this again with sudo, or with --foreground to keep the agent in this terminal',
  );
}

/** Where it is to be installed. A configuration that is there says where its data is. */
export async function plannedInstallation(
  mode: InstallPaths['mode'],
  where: Whereabouts,
): Promise<Installation> {
  if (mode === 'foreground')
    return settled(foregroundPaths(where.dataDirFlag ?? where.dataDirDefault), where);
  const there = await settled(servicePaths(null), where);
  const before = there.found ? there.settings.dataDir : null;
  const { dataDirFlag } = where;
  if (before !== null && dataDirFlag !== null && before !== dataDirFlag)
    throw new CommandError(
      EXIT.conflict,
      `${there.paths.configFile} has dataDir ${before}, and --data-dir is ${dataDirFlag}; leave --data-dir out, or run "podctl agent uninstall" first`,
    );
  return settled(servicePaths(before ?? dataDirFlag), where);
}

/** What is installed here: a service, else what the data folder holds; null when there is none. */
export async function installedHere(where: Whereabouts): Promise<Installation | null> {
  const folder = where.dataDirFlag ?? where.dataDirDefault;
  const service = await settled(servicePaths(null), where);
  if (
    service.found &&
    (where.dataDirFlag === null || service.settings.dataDir === where.dataDirFlag)
  )
    return settled(servicePaths(service.settings.dataDir), where);
  const foreground = await settled(foregroundPaths(folder), where);
  return foreground.found ? foreground : null;
}

async function settled(paths: InstallPaths, where: Whereabouts): Promise<Installation> {
  const { root, version } = where;
  const file = root.at(paths.configFile);
  const hasConfig = await isThere(file);
  const hasUnit = paths.unitFile !== null && (await isThere(root.at(paths.unitFile)));
  try {
    const settings = await loadSettings({
      file: hasConfig ? file : null,
      dataDir: paths.stateDir,
      version,
    });
    return { paths, found: hasConfig || hasUnit, settings };
  } catch (error) {
    if (error instanceof SettingsError)
      throw new CommandError(
        EXIT.usage,
        `${error.message}; mend ${paths.configFile}, or remove it`,
        error,
      );
    throw error;
  }
}
