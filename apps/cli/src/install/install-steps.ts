import type { Settings } from '@podctl/platform/config/settings.ts';
import { CommandError, EXIT } from '../command-error.ts';
import { applyEffect, fileIsThere, isThere } from './apply-effect.ts';
import type { Look, Step } from './checklist.ts';
import type { Effect } from './effect.ts';
import type { ForegroundAgent } from './foreground-agent.ts';
import { AGENT_UNIT } from './install-paths.ts';
import type { InstallPlan } from './install-plan.ts';
import type { MachineRoot } from './machine-root.ts';
import type { Enrolment, GpuPort, RunProgram } from './ports.ts';
import {
  type AddressSeen,
  isNats,
  type PreflightFacts,
  preflightProblems,
  preflightWords,
  unreachedFleet,
} from './preflight.ts';
import { isUnread, unitState } from './service-control.ts';

/** What the steps of one installation share. */
export interface InstallContext {
  readonly plan: InstallPlan;
  readonly root: MachineRoot;
  readonly settings: Settings;
  readonly agentId: string;
  /** Null: none was given. */
  readonly joinText: string | null;
  readonly dryRun: boolean;
  readonly enrolment: Enrolment;
  readonly gpu: GpuPort;
  readonly run: RunProgram;
  readonly preflight: () => Promise<PreflightFacts>;
  /** Opens a connection to the address, and no more. */
  readonly probe: (url: string) => Promise<AddressSeen>;
  /** Null where systemd runs the agent. */
  readonly foreground: ForegroundAgent | null;
  readonly signal: AbortSignal;
  readonly nowMs: () => number;
  /** Ids of the steps that have changed something. */
  readonly changed: Set<string>;
}

export function todo(missing: string): Look {
  return { state: 'todo', missing };
}

export function done(seen: string): Look {
  return { state: 'done', seen };
}

export async function applyAll(context: InstallContext, id: string, effects: readonly Effect[]) {
  context.changed.add(id);
  for (const effect of effects) await applyEffect(effect, context);
}

/** A step that only looks: there is nothing that installing could do about what it misses. */
export function lookOnly(id: string, title: string, look: () => Promise<Look>): Step {
  return {
    ...{ id, title },
    effects: () => [],
    async look() {
      const seen = await look();
      if (seen.state === 'todo') throw new CommandError(EXIT.failed, seen.missing);
      return seen;
    },
    act: async () => '',
  };
}

export function preflightStep({ preflight }: InstallContext): Step {
  return lookOnly('preflight', 'Preflight', async () => {
    const facts = await preflight();
    const problems = preflightProblems(facts);
    if (problems.length === 0) return done(preflightWords(facts));
    const onlyUnreached = problems.length === unreachedFleet(facts.fleet).length;
    throw new CommandError(
      onlyUnreached ? EXIT.unavailable : EXIT.failed,
      problems.join('. Also: '),
    );
  });
}

export function gpuStep({ gpu, settings }: InstallContext): Step {
  return lookOnly('gpu', 'GPU', async () => {
    const seen = await gpu.look();
    if (seen.kind === 'gpus') return done(seen.names.join(', '));
    if (seen.kind === 'none' && settings.transcribe.device !== 'cuda')
      return done(`none (${seen.why}): the engine uses the CPU`);
    if (seen.kind === 'none')
      return todo(
        `transcribe.device is cuda, and no GPU was found (${seen.why}); install its driver, or set transcribe.device to auto`,
      );
    return settings.transcribe.device === 'cpu'
      ? done(`not used (${seen.why})`)
      : todo(
          `there is an NVIDIA driver, and it does not work: ${seen.why}; mend it until "nvidia-smi" lists the GPU, or set transcribe.device to cpu`,
        );
  });
}

export function configurationStep(context: InstallContext): Step {
  const { plan, root } = context;
  const path = plan.config.path;
  const effects = () => [...plan.folders, plan.config];
  return {
    ...{ id: 'configuration', title: 'Configuration', effects },
    async look() {
      const there = await isThere(root.at(path));
      const folders = await Promise.all(
        [plan.paths.stateDir, plan.paths.cacheDir].map((folder) => isThere(root.at(folder))),
      );
      if (!there) return todo(`there is no ${path}`);
      if (context.settings.agent.http.listen.port === 0)
        throw new CommandError(
          EXIT.usage,
          `${path} names no port of its own for the agent's health; add "agent: {http: {listen: "127.0.0.1:9091"}}" to it, then run this again`,
        );
      return folders.every(Boolean)
        ? done(`${path} is there, and is left as it is`)
        : todo('a folder of the agent is missing');
    },
    async act() {
      const kept = await isThere(root.at(path));
      await applyAll(context, 'configuration', kept ? plan.folders : effects());
      return kept ? 'made the folders' : `wrote ${path}`;
    },
  };
}

export function enrolStep(context: InstallContext): Step {
  const { enrolment, joinText, agentId, signal, nowMs } = context;
  const effects = (): readonly Effect[] => [
    {
      kind: 'other',
      words: `trade the join text for a credential of the agent ${agentId}, kept in ${context.plan.paths.stateDir}`,
    },
  ];
  return {
    ...{ id: 'enrol', title: 'Enrolment', effects },
    async look() {
      const found = await enrolment.look();
      if (found.state === 'absent') return todo(found.why);
      const { expiresAtMs, addresses, fleet } = found;
      if (expiresAtMs !== null && expiresAtMs <= nowMs()) return todo('its credential has expired');
      refuseOtherFleet(context, fleet);
      // Asking gives out a credential: a dry run asks nobody.
      if (!context.dryRun && joinText !== null && (await enrolment.refused(signal)))
        return todo('the fleet refuses its credential: it was put out');
      const until =
        expiresAtMs === null ? '' : `, until ${new Date(expiresAtMs).toISOString().slice(0, 10)}`;
      return done(`in the fleet of ${addresses[0] ?? 'an unknown address'}${until}`);
    },
    async act(tell) {
      if (joinText === null)
        throw new CommandError(
          EXIT.usage,
          'this machine is in no fleet yet, and no join text was given; make a token with "podctl agent token create --print-command" where the fleet is, and give it with --join-file FILE, or --join-file - for stdin',
        );
      await enrolment.enrol({ joinText, agentId }, { signal, told: tell });
      context.changed.add('enrol');
      await refuseClosedNats(context);
      return `joined as ${agentId}`;
    },
  };
}

/** Only the credential says where NATS is: a service that cannot reach it would start in vain. */
async function refuseClosedNats({ enrolment, probe }: InstallContext): Promise<void> {
  const found = await enrolment.look();
  const urls = found.state === 'enrolled' ? found.addresses.filter(isNats) : [];
  const seen = await Promise.all(urls.map(probe));
  const [closed] = unreachedFleet(seen);
  if (closed === undefined) return;
  throw new CommandError(
    EXIT.unavailable,
    `this machine has joined, and ${closed}, then run this again`,
  );
}

/** A join text for another fleet is no repair. */
function refuseOtherFleet({ enrolment, joinText }: InstallContext, fleet: string): void {
  const wanted = joinText === null ? null : enrolment.read(joinText);
  if (wanted?.ok !== true || wanted.value.fleet === fleet) return;
  throw new CommandError(
    EXIT.conflict,
    `this machine is in another fleet than that of ${wanted.value.addresses[0] ?? 'the join token'}; run "podctl agent uninstall --purge" first, or leave --join-file out`,
  );
}

export function unitStep(context: InstallContext): Step {
  const { plan, root, run } = context;
  const { unit } = plan;
  const effects = () => (unit === null ? [] : [unit, ...plan.enable]);
  return {
    ...{ id: 'unit', title: 'Unit', effects },
    async look() {
      if (unit === null) return done('not needed: the agent runs in this terminal');
      if (!(await fileIsThere(unit, root)))
        return todo(`${unit.path} is missing, or not as it should be`);
      if (await isUnread(run, AGENT_UNIT)) return todo(`systemd has not read ${unit.path} yet`);
      const { enabled } = await unitState(run);
      return enabled === 'enabled'
        ? done(`${unit.path} is in place`)
        : todo(`the unit is ${enabled}`);
    },
    async act() {
      await applyAll(context, 'unit', effects());
      return `wrote and enabled ${unit?.path ?? ''}`;
    },
  };
}
