import { lookup } from 'node:dns/promises';
import { isIP } from 'node:net';
import { join } from 'node:path';
import { loadSettings } from '@podctl/platform/config/load.ts';
import type { Settings } from '@podctl/platform/config/settings.ts';
import { SettingsError } from '@podctl/platform/config/settings-error.ts';
import { type Address, isLoopback } from '@podctl/platform/endpoint.ts';
import { ownHosts } from '@podctl/platform/own-hosts.ts';
import { CommandError, EXIT } from '../command-error.ts';
import { isThere } from '../install/apply-effect.ts';
import type { Step } from '../install/checklist.ts';
import { SERVICE_PATH } from '../install/install-plan.ts';
import type { MachineRoot } from '../install/machine-root.ts';
import { programRunner } from '../install/run-program.ts';
import { contextStep } from './context-step.ts';
import { COORDINATOR_PORTS } from './coordinator-settings.ts';
import { configurationStep, keysStep, natsFolderStep } from './file-steps.ts';
import type { InitContext } from './init-context.ts';
import { type InitPlan, planInit } from './init-plan.ts';
import { invokingUser } from './invoking-user.ts';
import { type NatsProgram, natsProgramOf, natsProgramStep } from './nats-program.ts';
import { reachStep, readyStep, startStep, unitsStep, userStep } from './service-steps.ts';
import { settled, type Wishes } from './wishes.ts';

export interface InitRequest {
  readonly root: MachineRoot;
  readonly folder: string;
  /** systemd runs NATS and the coordinator. */
  readonly service: boolean;
  readonly wishes: Wishes;
  readonly contextName: string;
  /** podctl's own program file. */
  readonly script: string;
  readonly version: string;
  readonly signal: AbortSignal;
}

export interface InitSession {
  readonly plan: InitPlan;
  readonly steps: readonly Step[];
}

/** Looks at the machine and puts the steps together; changes nothing. */
export async function initSession(request: InitRequest): Promise<InitSession> {
  const { root, folder, service, signal, script, wishes } = request;
  const run = programRunner(signal);
  const there = await settingsIn(join(folder, 'podctl.yaml'), request);
  const wish = settled(wishes, there);
  const natsHere = await placesHere(wish.natsHosts);
  const path = service ? SERVICE_PATH : (process.env.PATH ?? '');
  const program = await natsProgramOf(path, folder, run);
  const plan = planInit({
    ...{ ...wish, service, folder, script, natsHere },
    root: root.path,
    hosts: wish.advertise ?? ownHosts(),
    node: process.execPath,
    natsProgram: program.path,
  });
  const context: InitContext = {
    ...{ plan, root, wishes, there, run, signal, contextName: request.contextName },
    libraryDir: wish.libraryDir,
    nowMs: Date.now,
    user: await invokingUser(run),
    changed: new Set(),
    keys: { authority: null },
  };
  return { plan, steps: stepsOf(context, program, script) };
}

function stepsOf(context: InitContext, program: NatsProgram, script: string): readonly Step[] {
  const { plan, there, root } = context;
  const pythonRoot = process.env.PODCTL_PYTHON_ROOT ?? root.at(plan.dataDir);
  const runsNats = plan.natsServers.some(({ here }) => here);
  const [http, grpc] = listens(there, plan);
  const programs = [process.execPath, script];
  return [
    ...(plan.service ? [reachStep(context, programs)] : []),
    configurationStep(context),
    ...(runsNats ? [natsProgramStep(context, program, pythonRoot)] : []),
    keysStep(context),
    ...plan.natsServers.map((server) => natsFolderStep(context, server)),
    ...(plan.service
      ? [userStep(context), unitsStep(context), startStep(context), readyStep(context, http)]
      : []),
    // Last: a name that another fleet has is no reason to leave the services undone.
    contextStep(context, grpc),
  ];
}

/** Of health and of gRPC. */
function listens(there: Settings | null, { natsServers }: InitPlan): [Address, Address] {
  if (there !== null) return [there.coordinator.http.listen, there.coordinator.grpc.listen];
  const [own] = natsServers;
  const host = own !== undefined && isLoopback(own.server.listenHost) ? own.host : '127.0.0.1';
  return [
    { host, port: COORDINATOR_PORTS.http },
    { host, port: COORDINATOR_PORTS.grpc },
  ];
}

async function settingsIn(
  file: string,
  { root, folder, version }: InitRequest,
): Promise<Settings | null> {
  const path = root.at(file);
  if (!(await isThere(path))) return null;
  try {
    return await loadSettings({ file: path, dataDir: join(folder, 'data'), version });
  } catch (error) {
    if (!(error instanceof SettingsError)) throw error;
    throw new CommandError(
      EXIT.usage,
      `${error.message}; mend ${file}, or remove it to have it written anew`,
      error,
    );
  }
}

/** Which of these hosts this machine is, by an address or a name of it. */
async function placesHere(hosts: readonly string[]): Promise<readonly number[]> {
  const own = ownHosts();
  const here = await Promise.all(
    hosts.map(async (host) => {
      if (isLoopback(host) || own.includes(host)) return true;
      if (isIP(host) !== 0) return false;
      const found = await lookup(host, { all: true }).catch(() => []);
      return found.some(({ address }) => isLoopback(address) || own.includes(address));
    }),
  );
  return here.flatMap((isHere, i) => (isHere ? [i] : []));
}
