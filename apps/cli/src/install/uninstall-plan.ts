import { join } from 'node:path';
import type { Effect } from './effect.ts';
import { AGENT_UNIT, AGENT_USER, type InstallPaths } from './install-paths.ts';
import { prefix } from './install-plan.ts';
import type { UserEntry } from './machine-root.ts';

/** What is left of an agent on a machine, before anything is removed. */
export interface UninstallFacts {
  readonly paths: InstallPaths;
  readonly root: string;
  readonly purge: boolean;
  /** Whether systemd can be asked. */
  readonly systemd: boolean;
  readonly unitThere: boolean;
  /** Null: there is none of that name. */
  readonly user: UserEntry | null;
  /** useradd made one of that name, and userdel may leave it. */
  readonly groupThere: boolean;
  /** Another unit of podctl runs as the same user: what they share stays. */
  readonly othersThere: boolean;
  /** Those of state and cache folder that are there. */
  readonly folders: readonly string[];
  /** Names in the state folder. */
  readonly stateNames: readonly string[];
  /** Of the credential. */
  readonly credentialNames: readonly string[];
}

/** What an agent writes into its state folder (data-folder.ts, python-env.ts); the library is nobody's to remove. */
const OWN = ['agent', 'cache', 'logs', 'run', 'python-lock', 'python-tmp'];
const OWN_PATTERN = /^python-[0-9a-f]{12}$/;

/** Whether an agent writes what has this name in its state folder. */
export function isAgentsOwn(name: string): boolean {
  return OWN.includes(name) || OWN_PATTERN.test(name);
}

/**
 * What is removed, in order: the service first, so that nothing writes any more; unit and settings last, since it is by
 * them that another run finds what one that was cut off has left.
 */
export function planUninstall(facts: UninstallFacts): readonly Effect[] {
  const { paths, purge } = facts;
  // Below its own state folder, which goes only when it is empty.
  const config = paths.mode === 'foreground' ? configEffects(facts) : [];
  return [
    ...stopEffects(facts),
    ...config,
    ...(purge ? purgeEffects(facts) : keepEffects(facts)),
    ...userEffects(facts),
    ...unitEffects(facts),
    ...(paths.mode === 'service' ? configEffects(facts) : []),
  ];
}

function stopEffects({ systemd, unitThere }: UninstallFacts): readonly Effect[] {
  if (!systemd || !unitThere) return [];
  // HUP: hand back what runs and leave at once. A plain stop would let it finish, for minutes, and offline in vain.
  const leave: Effect = {
    kind: 'command',
    argv: ['systemctl', 'kill', '--kill-who=main', '--signal=HUP', AGENT_UNIT],
    mayFail: true,
  };
  const stop: Effect = { kind: 'command', argv: ['systemctl', 'disable', '--now', AGENT_UNIT] };
  return [leave, stop];
}

function unitEffects({ paths, systemd, unitThere }: UninstallFacts): readonly Effect[] {
  const { unitFile, wantsLink } = paths;
  if (unitFile === null || wantsLink === null || !unitThere) return [];
  const forget: readonly Effect[] = [
    { kind: 'command', argv: ['systemctl', 'daemon-reload'] },
    // What never failed is not known to it: no failure.
    { kind: 'command', argv: ['systemctl', 'reset-failed', AGENT_UNIT], mayFail: true },
  ];
  return [
    { kind: 'remove', path: wantsLink },
    { kind: 'remove', path: unitFile },
    { kind: 'remove', path: `${unitFile}.d` },
    ...(systemd ? forget : []),
  ];
}

function configEffects({ paths }: UninstallFacts): readonly Effect[] {
  const config: Effect = { kind: 'remove', path: paths.configFile };
  return paths.mode === 'foreground'
    ? [config]
    : [config, { kind: 'remove-empty', path: paths.configDir }];
}

/** The default state folder of a service is the agent's alone; any other may hold what somebody else put there. */
function purgeEffects(facts: UninstallFacts): readonly Effect[] {
  const { paths, othersThere, stateNames, credentialNames } = facts;
  const { stateDir, cacheDir } = paths;
  if (paths.managed && !othersThere)
    return [stateDir, cacheDir].map((path) => ({ kind: 'remove', path }));
  const own = stateNames.filter((name) => isAgentsOwn(name) || credentialNames.includes(name));
  return [
    ...own.map((name): Effect => ({ kind: 'remove', path: join(stateDir, name) })),
    ...(paths.managed ? [{ kind: 'remove', path: cacheDir } as const] : []),
    { kind: 'remove-empty', path: stateDir },
  ];
}

/** A number without a user would be the next user's: what is kept belongs to root then. */
function keepEffects(facts: UninstallFacts): readonly Effect[] {
  const { paths, folders, othersThere } = facts;
  if (paths.mode === 'foreground' || !isOurs(facts) || othersThere || folders.length === 0)
    return [];
  return [{ kind: 'command', argv: ['chown', '-R', '0:0', ...folders] }];
}

const SYSTEM_UID_MAX = 999;

/** Whether `agent install` made the user: a person may have that name, too. */
function isOurs({ user, paths }: UninstallFacts): boolean {
  if (user === null) return false;
  const { uid, home, shell } = user;
  const isSystem = uid > 0 && uid <= SYSTEM_UID_MAX;
  return isSystem && home === paths.stateDir && shell.endsWith('/nologin');
}

function userEffects(facts: UninstallFacts): readonly Effect[] {
  const { paths, root, user: entry, groupThere, othersThere } = facts;
  const ours = isOurs(facts);
  if (paths.mode === 'foreground' || othersThere || (entry !== null && !ours)) return [];
  const where = prefix(root);
  const user: Effect = { kind: 'command', argv: ['userdel', ...where, AGENT_USER] };
  // userdel takes the group along where login.defs has USERGROUPS_ENAB.
  const group: Effect = {
    kind: 'command',
    argv: ['groupdel', ...where, AGENT_USER],
    mayFail: true,
  };
  return [...(ours ? [user] : []), ...(ours || groupThere ? [group] : [])];
}
