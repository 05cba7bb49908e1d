import { lstat, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { CommandError, EXIT } from '../command-error.ts';
import type { Step } from './checklist.ts';
import type { CommandEffect } from './effect.ts';
import { AGENT_USER } from './install-paths.ts';
import { applyAll, done, type InstallContext, todo } from './install-steps.ts';
import type { MachineRoot, UserEntry } from './machine-root.ts';

/** The user that the service runs as, its groups, and that the agent's folders are its own. */
export function userStep(context: InstallContext, deviceGroups: readonly string[]): Step {
  const { plan, root } = context;
  const missing: { user: boolean; groups: boolean } = { user: true, groups: true };
  const folders = [...new Set([plan.paths.stateDir, plan.paths.cacheDir])];
  return {
    ...{ id: 'user', title: `User ${AGENT_USER}` },
    effects: () => [...(missing.user || missing.groups ? [plan.makeUser] : []), plan.giveFolders],
    async look() {
      if (plan.paths.mode === 'foreground') return done('not needed: the agent runs as you');
      const user = await root.user(AGENT_USER);
      missing.user = user === null;
      missing.groups = !(await isMember(root, deviceGroups));
      if (user === null) return todo('there is no such user');
      if (missing.groups) return todo(`it is not in the groups ${deviceGroups.join(' and ')}`);
      const foreign = await firstForeign(
        folders.map((path) => root.at(path)),
        user,
      );
      const groups =
        deviceGroups.length === 0
          ? 'no group of a GPU is here'
          : `in ${deviceGroups.join(' and ')}`;
      if (foreign !== null) return todo(`${foreign} does not belong to it`);
      // What root has just written into a folder that is the user's already, at whatever depth.
      return ['engine', 'enrol'].some((id) => context.changed.has(id))
        ? todo('what was just written may not belong to it')
        : done(groups);
    },
    async act() {
      if (missing.user || missing.groups) await applyAll(context, 'user', [plan.makeUser]);
      const user = await root.user(AGENT_USER);
      if (user === null)
        throw new CommandError(
          EXIT.failed,
          `useradd made no user ${AGENT_USER}; make it yourself as a system user, then run this again`,
        );
      await applyAll(context, 'user', [givenTo(plan.giveFolders, user, root)]);
      return missing.user ? 'made it, and gave it its folders' : 'gave it what was missing';
    },
  };
}

/** By number and on this disk: a machine below another root has users of its own. */
export function givenTo(
  { argv: [chown = '', recursive = '', , ...paths] }: CommandEffect,
  { uid, gid }: UserEntry,
  root: MachineRoot,
): CommandEffect {
  return {
    kind: 'command',
    argv: [chown, recursive, `${uid}:${gid}`, ...paths.map((path) => root.at(path))],
  };
}

async function isMember(root: MachineRoot, deviceGroups: readonly string[]): Promise<boolean> {
  const groups = await root.groups();
  return deviceGroups.every((name) =>
    groups.some((group) => group.name === name && group.members.includes(AGENT_USER)),
  );
}

const DEPTH = 2;

/** Of the folders, of what lies in them, and of what lies in that (`agent/credential.json`). */
export async function firstForeign(
  paths: readonly string[],
  user: UserEntry,
  depth = DEPTH,
): Promise<string | null> {
  for (const path of paths) {
    const owner = await lstat(path).catch(() => null);
    if (owner !== null && owner.uid !== user.uid) return path;
    if (depth === 0 || owner?.isDirectory() !== true) continue;
    const names = await readdir(path).catch(() => []);
    const below = names.map((name) => join(path, name));
    const foreign = await firstForeign(below, user, depth - 1);
    if (foreign !== null) return foreign;
  }
  return null;
}
