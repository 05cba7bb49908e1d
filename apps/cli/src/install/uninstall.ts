import { readdir, readFile } from 'node:fs/promises';
import { applyEffect, isThere } from './apply-effect.ts';
import { type Effect, effectLines } from './effect.ts';
import { AGENT_USER, OTHER_UNITS } from './install-paths.ts';
import { hasSystemd, type Installation } from './installation.ts';
import type { MachineRoot } from './machine-root.ts';
import type { Enrolment, RunProgram } from './ports.ts';
import { planUninstall } from './uninstall-plan.ts';

export interface UninstallRequest {
  readonly installation: Installation;
  readonly root: MachineRoot;
  readonly enrolment: Enrolment;
  readonly purge: boolean;
}

/** Looks at what is there and says what would go; changes nothing. */
export async function uninstallEffects(request: UninstallRequest): Promise<readonly Effect[]> {
  const { installation, root, enrolment, purge } = request;
  const { paths } = installation;
  const others = await Promise.all(OTHER_UNITS.map((path) => sharesUser(root.at(path))));
  const groups = await root.groups();
  const effects = planUninstall({
    ...{ paths, purge, root: root.path },
    systemd: await hasSystemd(root),
    unitThere: paths.unitFile !== null && (await isThere(root.at(paths.unitFile))),
    user: await root.user(AGENT_USER),
    folders: await existing([paths.stateDir, paths.cacheDir], root),
    groupThere: groups.some(({ name }) => name === AGENT_USER),
    othersThere: others.some(Boolean),
    stateNames: await readdir(root.at(paths.stateDir)).catch(() => []),
    credentialNames: enrolment.files,
  });
  const needed = await Promise.all(effects.map((effect) => isNeeded(effect, root)));
  return effects.filter((_, i) => needed[i]);
}

/** In order; rejects with CommandError at the first that fails, or the signal's reason, and can be done again. */
export async function uninstall(
  effects: readonly Effect[],
  root: MachineRoot,
  run: RunProgram,
  signal: AbortSignal,
): Promise<void> {
  for (const effect of effects) {
    signal.throwIfAborted();
    await applyEffect(onDisk(effect, root), { root, run });
  }
}

export function uninstallLines(effects: readonly Effect[]): readonly string[] {
  return effects.flatMap((effect) => effectLines(effect));
}

async function existing(paths: readonly string[], root: MachineRoot): Promise<readonly string[]> {
  const there = await Promise.all(paths.map((path) => isThere(root.at(path))));
  return paths.filter((_, i) => there[i]);
}

/** Whether another unit of podctl runs as the agent's user. */
async function sharesUser(unitFile: string): Promise<boolean> {
  const text = await readFile(unitFile, 'utf8').catch(() => '');
  return text.split('\n').includes(`User=${AGENT_USER}`);
}

async function isNeeded(effect: Effect, root: MachineRoot): Promise<boolean> {
  if (effect.kind !== 'remove' && effect.kind !== 'remove-empty') return true;
  return isThere(root.at(effect.path));
}

/** chown knows no other root. */
function onDisk(effect: Effect, root: MachineRoot): Effect {
  if (effect.kind !== 'command' || effect.argv[0] !== 'chown') return effect;
  const [chown = '', recursive = '', owner = '', ...paths] = effect.argv;
  return {
    kind: 'command',
    argv: [chown, recursive, owner, ...paths.map((path) => root.at(path))],
  };
}
