import { access } from 'node:fs/promises';
import { join } from 'node:path';
import type { Settings } from '@podctl/platform/config/settings.ts';
import { formatAddress } from '@podctl/platform/endpoint.ts';
import { readJsonFile } from '@podctl/platform/json-file.ts';
import { askReadiness } from '../install/agent-readiness.ts';
import type { Installation } from '../install/installation.ts';
import { freeBytes } from '../install/machine-facts.ts';
import { nvidiaGpus } from '../install/nvidia-smi.ts';
import type { GpuSeen, Readiness, RunProgram } from '../install/ports.ts';
import { programRunner } from '../install/run-program.ts';
import { unitState } from '../install/service-control.ts';
import { credentialFile } from '../up/agent-place.ts';
import { dataFolder } from '../up/data-folder.ts';
import type { AgentPlaceFacts, MachineFacts } from './core/machine-facts.ts';
import { probed } from './probe.ts';
import { probeCuda } from './probe-cuda.ts';
import { probeEngine, probeModel, probePython } from './probe-engine.ts';
import { probeMembership } from './probe-membership.ts';
import { probeOtherEngine } from './probe-other-engine.ts';

/** What `auto` stands for; the agent has it so. */
const MODEL_DEFAULT = 'tiny.en';
const LOOK_MS_MAX = 6_000;

/** An agent whose data folder is on this machine. */
export interface AgentHere {
  readonly kind: AgentPlaceFacts['kind'];
  readonly settings: Settings;
  /** Where models are kept; null: where the model hub's own library keeps them. */
  readonly cacheDir: string | null;
}

/** The installed one, else the one of the data folder; null when there is none. */
export async function agentHere(
  installed: Installation | null,
  settings: Settings,
): Promise<AgentHere | null> {
  if (installed !== null) {
    const { paths } = installed;
    const dataDir = paths.stateDir;
    return {
      kind: paths.mode,
      settings: { ...installed.settings, dataDir },
      cacheDir: paths.cacheDir,
    };
  }
  const folder = dataFolder(settings.dataDir);
  if (!(await isThere(folder.agentState))) return null;
  const isUp = (await isThere(folder.nats)) || (await isThere(folder.coordinatorState));
  return { kind: isUp ? 'up' : 'run', settings, cacheDir: null };
}

/** Rejects only with the signal's reason. */
export async function probeMachine(here: AgentHere, signal: AbortSignal): Promise<MachineFacts> {
  const { kind, settings } = here;
  const run = programRunner(signal);
  const folder = dataFolder(settings.dataDir);
  const [{ python, engine, model, cuda }, listening, disks, gpu, membership, service, otherEngine] =
    await Promise.all([
      probeEngineIn(here, run),
      readinessOf(here, signal),
      Promise.all([folder.agentState, join(folder.agentState, 'spool')].map(diskOf)),
      gpuOf(run, signal),
      probeMembership(credentialFile(settings), signal),
      kind === 'service' ? unitState(run) : null,
      probeOtherEngine(settings, signal),
    ]);
  const { listen, readiness } = listening;
  return {
    ...{ nowMs: Date.now(), readiness, service, disks, python, engine, model, gpu, cuda },
    otherEngine,
    ...membership,
    place: { kind, stateDir: settings.dataDir, listen },
    device: settings.transcribe.device,
  };
}

function modelOf({ transcribe: { model } }: Settings): string {
  return model === 'auto' ? MODEL_DEFAULT : model;
}

/** A port that the agent chose itself is told by `up`'s file; empty where nothing tells. */
async function listenOf({ kind, settings }: AgentHere): Promise<string> {
  if (kind === 'up') {
    const told = await readJsonFile(join(dataFolder(settings.dataDir).run, 'agent-endpoint.json'));
    if (typeof told?.http === 'string' && told.http !== '') return told.http;
  }
  const { listen } = settings.agent.http;
  return listen.port === 0 ? '' : formatAddress(listen);
}

async function readinessOf(here: AgentHere, signal: AbortSignal) {
  const listen = await listenOf(here);
  const readiness: Readiness =
    listen === ''
      ? { kind: 'unreachable', why: 'where it listens is not known' }
      : await askReadiness(listen, signal);
  return { listen, readiness };
}

async function probeEngineIn({ settings, cacheDir }: AgentHere, run: RunProgram) {
  const root = process.env.PODCTL_PYTHON_ROOT || settings.dataDir;
  const python = await probePython(root);
  const { folder } = python;
  const cuda = probeCuda(root, folder === null ? null : join(folder, 'bin', 'python'), run);
  if (folder === null) return { python, engine: null, model: null, cuda: await cuda };
  const [engine, model] = await Promise.all([
    probeEngine(folder, run),
    probeModel({ folder, model: modelOf(settings), cacheDir }, run),
  ]);
  return { python, engine, model, cuda: await cuda };
}

async function gpuOf(run: RunProgram, signal: AbortSignal): Promise<GpuSeen> {
  const found = await probed(LOOK_MS_MAX, signal, () => nvidiaGpus(run).look());
  return found.kind === 'seen' ? found.value : { kind: 'broken', why: `nvidia-smi: ${found.why}` };
}

async function diskOf(path: string) {
  const found = await freeBytes(path).catch(() => null);
  return { path, freeBytes: found };
}

function isThere(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  );
}
