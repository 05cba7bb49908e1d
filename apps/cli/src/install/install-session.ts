import { hostname } from 'node:os';
import { slug } from '@podctl/domain/ids.ts';
import { formatAddress } from '@podctl/platform/endpoint.ts';
import { PythonEnvError } from '@podctl/platform/python-env-error.ts';
import { findPython } from '@podctl/platform/python-interpreter.ts';
import { CommandError, EXIT } from '../command-error.ts';
import { probeAddress } from './address-probe.ts';
import { isThere } from './apply-effect.ts';
import type { Step } from './checklist.ts';
import { engineStep, hasPythonEnv, selfTestStep } from './engine-steps.ts';
import { ForegroundAgent } from './foreground-agent.ts';
import { DEVICE_GROUPS, type InstallPlan, planInstall, SERVICE_PATH } from './install-plan.ts';
import {
  configurationStep,
  enrolStep,
  gpuStep,
  type InstallContext,
  preflightStep,
  unitStep,
} from './install-steps.ts';
import type { Installation } from './installation.ts';
import { freeBytes, freePort, neededPath, otherOwner } from './machine-facts.ts';
import type { MachineRoot } from './machine-root.ts';
import { nvidiaGpus } from './nvidia-smi.ts';
import type { Enrolment } from './ports.ts';
import type { PreflightFacts, PythonSeen } from './preflight.ts';
import { programRunner } from './run-program.ts';
import { heartbeatStep, startStep } from './running-steps.ts';
import { userStep } from './user-step.ts';

export interface InstallRequest {
  readonly installation: Installation;
  readonly root: MachineRoot;
  readonly enrolment: Enrolment;
  /** From `--name`; null: the settings' or the host's. */
  readonly name: string | null;
  readonly joinText: string | null;
  readonly selfTest: boolean;
  /** Nothing is made or loaded, to see whether it works, either. */
  readonly dryRun: boolean;
  /** podctl's program file. */
  readonly script: string;
  readonly signal: AbortSignal;
  /** One line of the agent in the foreground, or about it. */
  readonly told: (line: string) => void;
}

export interface InstallSession {
  readonly plan: InstallPlan;
  readonly steps: readonly Step[];
  readonly agentId: string;
  /** Null where systemd runs the agent. */
  readonly foreground: ForegroundAgent | null;
}

/** As in deploy/prometheus; the next free one when it is taken. */
const HTTP_PORT = 9_091;
/** 566 MB of packages, as much while they are fetched and unpacked, and a model. */
const ENGINE_BYTES = 2e9;
const NATS_MS_MAX = 3_000;

/** Looks at the machine and puts the steps together; changes nothing. */
export async function installSession(request: InstallRequest): Promise<InstallSession> {
  const { installation, root, enrolment, signal } = request;
  const { paths, settings } = installation;
  // What the service will find is what counts: a Python of root's own home would be none.
  if (paths.mode === 'service' && root.path === '/') process.env.PATH = SERVICE_PATH;
  // Root's own cache would stay behind, where uninstalling does not look.
  if (paths.mode === 'service') process.env.PIP_NO_CACHE_DIR = '1';
  const agentId = agentIdOf(request, await enrolledAs(enrolment));
  const listen = await listenOf(installation);
  const deviceGroups = await deviceGroupsOf(root);
  const pythonRootSet = process.env.PODCTL_PYTHON_ROOT || null;
  const plan = planInstall({
    ...{
      paths,
      agentId,
      deviceGroups,
      script: request.script,
      root: root.path,
      node: process.execPath,
    },
    httpListen: listen,
    drainMs: settings.agent.drainMs,
    userExists: (await root.user('podctl')) !== null,
    pythonRoot: pythonRootSet,
  });
  const pythonRoot = pythonRootSet ?? root.at(paths.stateDir);
  const foreground =
    paths.mode === 'foreground'
      ? new ForegroundAgent(plan, listen, settings.agent.drainMs, request.told)
      : null;
  const run = programRunner(signal);
  const context: InstallContext = {
    ...{ plan, root, settings, agentId, enrolment, foreground, run, signal },
    joinText: request.joinText,
    dryRun: request.dryRun,
    gpu: nvidiaGpus(run),
    preflight: () => preflightFacts(request, pythonRoot),
    probe: (url) => probeAddress(url, signal, NATS_MS_MAX),
    nowMs: Date.now,
    changed: new Set(),
  };
  const steps = [
    preflightStep(context),
    gpuStep(context),
    configurationStep(context),
    engineStep(context, pythonRoot),
    enrolStep(context),
    userStep(context, deviceGroups),
    unitStep(context),
    startStep(context),
    heartbeatStep(context, listen),
    // It is of our own engine: of another one the first episode is the test.
    ...(request.selfTest && settings.agent.engine === 'faster-whisper'
      ? [selfTestStep(context, pythonRoot)]
      : []),
  ];
  return { plan, steps, agentId, foreground };
}

/** Null when it is in no fleet, or when that cannot be read: the enrolment step says so. */
async function enrolledAs(enrolment: Enrolment): Promise<string | null> {
  const found = await enrolment.look().catch(() => null);
  return found?.state === 'enrolled' ? found.agentId : null;
}

/** Throws CommandError when the name of an installed agent would change: its credential is for the old one. */
function agentIdOf({ installation, name }: InstallRequest, enrolled: string | null): string {
  const { settings, found } = installation;
  const before = (found ? settings.agent.id : null) ?? enrolled;
  if (before !== null && name !== null && before !== name)
    throw new CommandError(
      EXIT.conflict,
      `this agent is installed as ${before}, and --name is ${name}; leave --name out, or run "podctl agent uninstall --purge" first`,
    );
  return before ?? name ?? slug(hostname()) ?? 'agent';
}

async function listenOf({ found, settings }: Installation): Promise<string> {
  if (found && settings.agent.http.listen.port !== 0)
    return formatAddress(settings.agent.http.listen);
  return `127.0.0.1:${await freePort(HTTP_PORT)}`;
}

async function deviceGroupsOf(root: MachineRoot): Promise<readonly string[]> {
  const groups = await root.groups();
  return DEVICE_GROUPS.filter((name) => groups.some((group) => group.name === name));
}

async function preflightFacts(
  request: InstallRequest,
  pythonRoot: string,
): Promise<PreflightFacts> {
  const { installation, root, signal, script } = request;
  const { mode, stateDir } = installation.paths;
  const hasEngine = await hasPythonEnv(pythonRoot);
  const needed = await Promise.all([process.execPath, script].map(neededPath));
  const state = root.at(stateDir);
  const urls = await fleetOf(request);
  return {
    ...{ stateDir, nodeVersion: process.versions.node },
    asService: mode === 'service' && root.path === '/',
    python: await pythonSeen(signal),
    needed: [...needed, { path: stateDir, closedAt: null }],
    freeBytes: await freeBytes(state),
    needBytes: hasEngine ? null : ENGINE_BYTES,
    fleet: await Promise.all(urls.map((url) => probeAddress(url, signal))),
    otherOwner: (await isItsOwn(installation, root)) ? null : await otherOwner(state),
  };
}

/** The folder that systemd makes, or one that an agent was installed in: a configuration alone may name any folder. */
async function isItsOwn({ paths, found }: Installation, root: MachineRoot): Promise<boolean> {
  if (paths.managed) return true;
  return paths.unitFile === null ? found : isThere(root.at(paths.unitFile));
}

/** Of the credential that is here, else of the join text; what is wrong with either is for the enrolment step to say. */
async function fleetOf({ enrolment, joinText }: InstallRequest): Promise<readonly string[]> {
  const found = await enrolment.look().catch(() => null);
  if (found?.state === 'enrolled') return found.addresses;
  const named = joinText === null ? null : enrolment.read(joinText);
  return named?.ok === true ? named.value.addresses : [];
}

async function pythonSeen(signal: AbortSignal): Promise<PythonSeen> {
  try {
    return { kind: 'found', ...(await findPython(signal)) };
  } catch (error) {
    if (error instanceof PythonEnvError) return { kind: 'unusable', sentence: error.message };
    throw error;
  }
}
