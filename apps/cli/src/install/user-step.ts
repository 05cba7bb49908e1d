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
      return foreign === null ? done(groups) : todo(`${foreign} does not belong to it`);
    },
    async act() {
      if (missing.user || missing.groups) await applyAll(context, 'user', [plan.makeUser]);
      const user = await root.user(AGENT_USER);
      if (user === null)
        throw new CommandError(
          EXIT.failed,
          `useradd made no user ${AGENT_USER}; make it yourself as a system user, then run this again`,
        );
      await applyAll(context, 'user', [given(plan.giveFolders, user, root)]);
      return missing.user ? 'made it, and gave it its folders' : 'gave it what was missing';
    },
  };
}

/** By number and on this disk: a machine below another root has users of its own. */
function given(
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

/** Of the folders and what lies in them at once: each is given with all that is below it. */
async function firstForeign(
  folders: readonly string[],
  { uid }: UserEntry,
): Promise<string | null> {
  for (const folder of folders) {
    const names = await readdir(folder).catch(() => []);
    for (const path of [folder, ...names.map((name) => join(folder, name))]) {
      const owner = await lstat(path).catch(() => null);
      if (owner !== null && owner.uid !== uid) return path;
    }
  }
  return null;
}
