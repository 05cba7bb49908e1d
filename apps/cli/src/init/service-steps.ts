import { readdir, stat } from 'node:fs/promises';
import { setTimeout as delay } from 'node:timers/promises';
import { type Address, formatAddress } from '@podctl/platform/endpoint.ts';
import { CommandError, EXIT } from '../command-error.ts';
import { askReadiness } from '../install/agent-readiness.ts';
import { fileIsThere, isThere } from '../install/apply-effect.ts';
import type { Step } from '../install/checklist.ts';
import type { CommandEffect, Effect } from '../install/effect.ts';
import { COORDINATOR_USER, hiddenFromService } from '../install/install-paths.ts';
import { neededPath } from '../install/machine-facts.ts';
import type { MachineRoot, UserEntry } from '../install/machine-root.ts';
import type { RunProgram } from '../install/ports.ts';
import { isUnread } from '../install/service-control.ts';
import { firstForeign } from '../install/user-step.ts';
import { applyAll, done, type InitContext, todo } from './init-context.ts';
import { type PlannedUnit, UNITS } from './init-plan.ts';

const READY_MS_MAX = 60_000;
/** The other servers of a cluster may not be set up yet. */
const READY_MS_MAX_WITH_ERRANDS = 15_000;
const ASK_AGAIN_MS = 250;
const ASK_MS_MAX = 10_000;

/** What a service could not reach is told before anything is written. @param programs files that it runs. */
export function reachStep({ libraryDir }: InitContext, programs: readonly string[]): Step {
  return {
    ...{ id: 'preflight', title: 'Preflight', effects: () => [] },
    async look() {
      const paths = await Promise.all(programs.map(neededPath));
      const hidden = [...paths.map(({ path }) => path), libraryDir ?? ''].find(hiddenFromService);
      if (hidden !== undefined)
        throw new CommandError(
          EXIT.failed,
          `a service cannot see ${hidden}, since home folders are hidden from it; put it elsewhere, such as below /opt or /srv, or use --no-service`,
        );
      const closed = paths.find(({ closedAt }) => closedAt !== null);
      if (closed !== undefined)
        throw new CommandError(
          EXIT.failed,
          `the service's user could not reach ${closed.path}, since ${closed.closedAt} is closed to others; run "chmod o+x ${closed.closedAt}", or put it elsewhere`,
        );
      return done(`Node ${process.versions.node}`);
    },
    act: async () => '',
  };
}

/** The user that the services run as, and that what they write is its own. */
export function userStep(context: InitContext): Step {
  const { plan, root, libraryDir } = context;
  let missing = true;
  const owned = async () => [
    ...plan.owned,
    ...(await emptyOnly(root.at(libraryDir ?? ''), libraryDir)),
  ];
  const chown = (
    paths: readonly string[],
    who = `${COORDINATOR_USER}:${COORDINATOR_USER}`,
  ): CommandEffect => ({
    kind: 'command',
    argv: ['chown', '-R', who, ...paths],
  });
  return {
    ...{ id: 'user', title: `User ${COORDINATOR_USER}` },
    effects: () => [...(missing ? [plan.makeUser] : []), chown(plan.owned)],
    async look() {
      const user = await root.user(COORDINATOR_USER);
      missing = user === null;
      if (user === null) return todo('there is no such user');
      if (libraryDir !== null) await refuseForeignLibrary(root.at(libraryDir), libraryDir, user);
      const foreign = await firstForeign(
        (await owned()).map((path) => root.at(path)),
        user,
      );
      if (foreign !== null) return todo(`${foreign} does not belong to it`);
      // What root has just written into a folder that is the user's already, at whatever depth.
      return context.changed.size > 0
        ? todo('what was just written may not belong to it')
        : done('it owns what the services write');
    },
    async act() {
      if (missing) await applyAll(context, 'user', [plan.makeUser]);
      const user = await root.user(COORDINATOR_USER);
      if (user === null)
        throw new CommandError(
          EXIT.failed,
          `useradd made no user ${COORDINATOR_USER}; make it yourself as a system user, then run this again`,
        );
      if (libraryDir !== null) await refuseForeignLibrary(root.at(libraryDir), libraryDir, user);
      const paths = (await owned()).map((path) => root.at(path));
      // By number: a machine below another root has users of its own.
      await applyAll(context, 'user', [chown(paths, `${user.uid}:${user.gid}`)]);
      return missing ? 'made it, and gave it its folders' : 'gave it what was missing';
    },
  };
}

/** What the coordinator cannot write to it would say nothing of for a minute, and then that it is not ready. */
async function refuseForeignLibrary(
  at: string,
  libraryDir: string,
  { uid, gid }: UserEntry,
): Promise<void> {
  const owner = await stat(at).catch(() => null);
  if (owner === null || (await readdir(at)).length === 0) return;
  const mayWrite =
    owner.uid === uid ||
    (owner.gid === gid && (owner.mode & 0o020) !== 0) ||
    (owner.mode & 0o002) !== 0;
  if (!mayWrite)
    throw new CommandError(
      EXIT.conflict,
      `${libraryDir} holds something and belongs to another user; run "chown -R ${COORDINATOR_USER}: ${libraryDir}" so that the coordinator may write there, then run this again`,
    );
}

/** A library that holds something is somebody's: its owner is theirs to choose. */
async function emptyOnly(at: string, libraryDir: string | null): Promise<readonly string[]> {
  if (libraryDir === null) return [];
  const names = await readdir(at).catch(() => ['']);
  return names.length === 0 ? [libraryDir] : [];
}

export function unitsStep(context: InitContext): Step {
  const { plan, root, run } = context;
  const enable: readonly CommandEffect[] = [
    { kind: 'command', argv: ['systemctl', 'daemon-reload'] },
    { kind: 'command', argv: ['systemctl', 'enable', ...plan.units.map(({ name }) => name)] },
  ];
  const files = plan.units.map(({ file }) => file);
  return {
    ...{ id: 'units', title: 'Units', effects: () => [...files, ...enable] },
    async look() {
      for (const unit of plan.units) {
        const problem = await unitProblem(unit, root, run);
        if (problem !== null) return todo(problem);
      }
      return done(plan.units.map(({ name }) => name).join(' and '));
    },
    async act() {
      context.changed.add('nats-restart');
      await applyAll(context, 'units', [...files, ...enable]);
      return `wrote and enabled ${plan.units.map(({ name }) => name).join(' and ')}; an own change belongs in "systemctl edit"`;
    },
  };
}

/** Null when the unit is as it should be, and systemd knows it so. */
async function unitProblem(
  { name, file }: PlannedUnit,
  root: MachineRoot,
  run: RunProgram,
): Promise<string | null> {
  if (!(await isThere(root.at(file.path)))) return `there is no ${file.path}`;
  if (!(await fileIsThere(file, root))) return `${file.path} is not as it should be`;
  if ((await word(run, 'is-enabled', name)) !== 'enabled') return `${name} is not enabled`;
  return (await isUnread(run, name)) ? `systemd has not read ${file.path} yet` : null;
}

/** What changed is started anew; NATS takes a new certificate without that. */
export function startStep(context: InitContext): Step {
  const { plan, run, changed } = context;
  const names = plan.units.map(({ name }) => name);
  const commands = (): readonly Effect[] =>
    names.map((name) => ({ kind: 'command', argv: ['systemctl', verb(name, changed), name] }));
  return {
    ...{ id: 'start', title: 'Start', effects: commands },
    async look() {
      for (const name of names) {
        const active = await word(run, 'is-active', name);
        if (active !== 'active') return todo(`${name} is ${active}`);
      }
      return names.every((name) => verb(name, changed) === 'start')
        ? done(`${names.join(' and ')} run`)
        : todo('what runs was started before the change');
    },
    async act() {
      await applyAll(context, 'start', commands());
      return `${names.join(' and ')} run`;
    },
  };
}

/** What a running coordinator has read at its start. */
const READ_AT_START = ['configuration', 'keys', 'units'];

function verb(unit: string, changed: ReadonlySet<string>): string {
  if (unit === UNITS.coordinator)
    return READ_AT_START.some((id) => changed.has(id)) ? 'restart' : 'start';
  if (changed.has('nats-restart')) return 'restart';
  return changed.has('nats') ? 'reload-or-restart' : 'start';
}

export function readyStep({ signal, plan }: InitContext, http: Address): Step {
  const hasErrands = plan.errands.length > 0;
  const limitMs = hasErrands ? READY_MS_MAX_WITH_ERRANDS : READY_MS_MAX;
  const listen = formatAddress(http);
  const seen = async () => {
    const answer = await askReadiness(listen, signal);
    return answer.kind === 'answered' && answer.ready;
  };
  return {
    ...{ id: 'ready', title: 'Ready', effects: () => [] },
    look: async () =>
      (await seen()) ? done('the coordinator is ready') : todo(`${listen} is not ready yet`),
    async act() {
      const endMs = performance.now() + limitMs;
      while (performance.now() < endMs) {
        if (await seen()) return 'the coordinator is ready';
        await delay(ASK_AGAIN_MS, undefined, { signal });
      }
      if (hasErrands)
        return 'not yet: it is once two of the three NATS servers run, see below; this command may be run again then';
      throw new CommandError(
        EXIT.unavailable,
        `the coordinator on ${listen} was not ready within ${READY_MS_MAX / 1_000} s; "journalctl -u ${UNITS.coordinator} -u ${UNITS.nats}" says why`,
      );
    },
  };
}

/** What systemd says, in its own words; it answers with a code other than 0 for what is not so. */
async function word(run: RunProgram, question: string, unit: string): Promise<string> {
  const end = await run(['systemctl', question, unit], { timeoutMs: ASK_MS_MAX });
  const text = end.kind === 'ended' ? end.stdout.trim() : '';
  return /^[a-z-]{1,40}$/.test(text) ? text : 'unknown';
}
