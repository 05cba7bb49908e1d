import { join } from 'node:path';

/**
 * service     root and systemd: a unit, a user of its own, files where systemd's programs have theirs
 * foreground  neither a unit nor a user: everything in one data folder, and the agent runs under the install command
 */
export type InstallMode = 'service' | 'foreground';

export const AGENT_UNIT = 'podctl-agent.service';
export const AGENT_USER = 'podctl';
/** Of coordinator and NATS. Not the agent's: its engine reads audio from strangers, and must not come near the fleet's keys. */
export const COORDINATOR_USER = 'podctl-coordinator';
const STATE_DIR = '/var/lib/podctl';
const CACHE_DIR = '/var/cache/podctl';
const UNIT_DIR = '/etc/systemd/system';

/** As the agent sees them: without the root that a test puts before them. */
export interface InstallPaths {
  readonly mode: InstallMode;
  readonly configFile: string;
  readonly configDir: string;
  readonly stateDir: string;
  /** Models and compiled kernels: may be removed at any time. */
  readonly cacheDir: string;
  /** Null in the foreground. */
  readonly unitFile: string | null;
  /** What `systemctl enable` makes. */
  readonly wantsLink: string | null;
  /** systemd makes and owns the folders itself (`StateDirectory=`). */
  readonly managed: boolean;
}

/** @param dataDir null: the default one of a service. */
export function servicePaths(dataDir: string | null): InstallPaths {
  const managed = dataDir === null || dataDir === STATE_DIR;
  const stateDir = managed ? STATE_DIR : dataDir;
  return {
    mode: 'service',
    configFile: '/etc/podctl/agent.yaml',
    configDir: '/etc/podctl',
    stateDir,
    cacheDir: managed ? CACHE_DIR : join(stateDir, 'cache'),
    unitFile: join(UNIT_DIR, AGENT_UNIT),
    wantsLink: join(UNIT_DIR, 'multi-user.target.wants', AGENT_UNIT),
    managed,
  };
}

export function foregroundPaths(dataDir: string): InstallPaths {
  return {
    mode: 'foreground',
    configFile: join(dataDir, 'agent.yaml'),
    configDir: dataDir,
    stateDir: dataDir,
    cacheDir: join(dataDir, 'cache'),
    unitFile: null,
    wantsLink: null,
    managed: false,
  };
}

/** Where other units of podctl would be: what they share with the agent stays when it goes. */
export const OTHER_UNITS: readonly string[] = [
  'podctl-coordinator.service',
  'podctl-nats.service',
].map((name) => join(UNIT_DIR, name));

/** What `ProtectHome=` hides from a service. */
const HIDDEN = ['/root', '/home', '/run/user'];

export function hiddenFromService(path: string): boolean {
  return HIDDEN.some((folder) => path === folder || path.startsWith(`${folder}/`));
}
