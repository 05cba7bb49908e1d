import { join } from 'node:path';
import type { Effect } from './effect.ts';
import { AGENT_UNIT, AGENT_USER, type InstallPaths } from './install-paths.ts';
import { prefix } from './install-plan.ts';

/** What is left of an agent on a machine, before anything is removed. */
export interface UninstallFacts {
  readonly paths: InstallPaths;
  readonly root: string;
  readonly purge: boolean;
  /** Whether systemd can be asked. */
  readonly systemd: boolean;
  readonly unitThere: boolean;
  readonly userThere: boolean;
  /** useradd made one of that name, and userdel may leave it. */
  readonly groupThere: boolean;
  /** Another unit of podctl runs as the same user: what they share stays. */
  readonly othersThere: boolean;
  /** Names in the state folder. */
  readonly stateNames: readonly string[];
  /** Of the credential. */
  readonly credentialNames: readonly string[];
}

/** What an agent writes into its state folder (data-folder.ts, python-env.ts); the library is nobody's to remove. */
const OWN = ['agent', 'cache', 'logs', 'run', 'python-lock', 'python-tmp'];
const OWN_PATTERN = /^python-[0-9a-f]{12}$/;

/** What is removed, in order: the service first, so that nothing writes any more. */
export function planUninstall(facts: UninstallFacts): readonly Effect[] {
  return [
    ...stopEffects(facts),
    ...configEffects(facts),
    ...(facts.purge ? purgeEffects(facts) : keepEffects(facts)),
    ...userEffects(facts),
  ];
}

function stopEffects({ paths, systemd, unitThere }: UninstallFacts): readonly Effect[] {
  const { unitFile, wantsLink } = paths;
  if (unitFile === null || wantsLink === null || !unitThere) return [];
  // HUP: hand back what runs and leave at once. A plain stop would let it finish, for minutes, and offline in vain.
  const leave: Effect = {
    kind: 'command',
    argv: ['systemctl', 'kill', '--kill-who=main', '--signal=HUP', AGENT_UNIT],
    mayFail: true,
  };
  const stop: Effect = { kind: 'command', argv: ['systemctl', 'disable', '--now', AGENT_UNIT] };
  const forget: readonly Effect[] = [
    { kind: 'command', argv: ['systemctl', 'daemon-reload'] },
    // What never failed is not known to it: no failure.
    { kind: 'command', argv: ['systemctl', 'reset-failed', AGENT_UNIT], mayFail: true },
  ];
  return [
    ...(systemd ? [leave, stop] : []),
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
  const own = stateNames.filter(
    (name) => OWN.includes(name) || credentialNames.includes(name) || OWN_PATTERN.test(name),
  );
  return [
    ...own.map((name): Effect => ({ kind: 'remove', path: join(stateDir, name) })),
    ...(paths.managed ? [{ kind: 'remove', path: cacheDir } as const] : []),
    { kind: 'remove-empty', path: stateDir },
  ];
}

/** A number without a user would be the next user's: what is kept belongs to root then. */
function keepEffects({ paths, userThere, othersThere }: UninstallFacts): readonly Effect[] {
  if (paths.mode === 'foreground' || !userThere || othersThere) return [];
  return [{ kind: 'command', argv: ['chown', '-R', '0:0', paths.stateDir, paths.cacheDir] }];
}

function userEffects({
  paths,
  root,
  userThere,
  groupThere,
  othersThere,
}: UninstallFacts): readonly Effect[] {
  if (paths.mode === 'foreground' || othersThere) return [];
  const where = prefix(root);
  const user: Effect = { kind: 'command', argv: ['userdel', ...where, AGENT_USER] };
  // userdel takes the group along where login.defs has USERGROUPS_ENAB.
  const group: Effect = {
    kind: 'command',
    argv: ['groupdel', ...where, AGENT_USER],
    mayFail: true,
  };
  return [...(userThere ? [user] : []), ...(userThere || groupThere ? [group] : [])];
}
