import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { systemClock } from '@podctl/platform/clock.ts';
import { inheritedLockFd } from '@podctl/platform/folder-lock.ts';
import type { Logger } from '@podctl/platform/logger.ts';
import { modelsFolder } from '@podctl/platform/model-folder.ts';
import type { AgentConfig } from '../config.ts';
import { engineEnvironment } from '../core/engine-environment.ts';
import { firstRung, type GpuSeat, planEngines, visibleSeats } from '../core/engine-plan.ts';
import type { GpuReport } from '../core/gpu-state.ts';
import type { Engine } from './engine.ts';
import { gpuSeats } from './gpu-seats.ts';
import { MODEL_DEFAULT } from './hearing.ts';
import { EnginesAtWork, lastingEngine } from './lasting-engine.ts';
import { makeOtherEngines } from './other-engines.ts';
import { TunedEngine } from './tuned-engine.ts';
import { WhisperEngine } from './whisper-engine.ts';

const ENGINE_SILENT_MS = 30_000;
/** Killed after it: a cancelled job has its end within 2 s. */
const ENGINE_CANCEL_MS = 1_500;
/** Whichever comes free first gets what is next: of more engines most would read it for nothing. */
const PREPARING_MAX = 2;

/** The engines of an agent: one a slot, since each does one episode at a time. */
export interface Engines {
  readonly all: readonly Engine[];
  /** Whether work stops with a GPU that is gone. */
  readonly needsGpu: boolean;
  /** Why the agent should be given no work for a while: no engine has memory. Null: nothing is against it. */
  starved(): string | null;
  /** `told` gets how many engines have a request, at each change. */
  onWork(told: (count: number) => void): void;
  /** Has audio that comes next read ahead, where it is known which engine will get it. */
  prepare(audioPath: string): void;
  /** What is told of the GPUs, with what only the engines know. */
  report(seen: GpuReport): GpuReport;
  /** After all of them have stopped. */
  close(): Promise<void>;
}

/**
 * Looks at the GPUs once, and decides how many engines run where.
 *
 * @param starved is called when an engine has found no memory for its smallest step.
 */
export async function makeEngines(
  config: AgentConfig,
  log: Logger,
  starved: () => void,
  signal: AbortSignal,
): Promise<Engines> {
  const { agent, transcribe } = config.settings;
  if (agent.engine !== 'faster-whisper')
    return makeOtherEngines(agent.engine, config, log, starved);
  const { device, batchSize, computeType } = transcribe;
  const wishes = { batchSize, computeType };
  const cores = availableParallelism();
  const { env } = process;
  const quiet = (line: string) => log.debug({ component: 'nvidia-smi' }, line);
  const isAsked = device !== 'cpu' && agent.slots.transcribe !== 0;
  const seen = isAsked ? await gpuSeats({ clock: systemClock, env, log: quiet }, signal) : [];
  const seats = visibleSeats(seen, env.CUDA_VISIBLE_DEVICES);
  const model = transcribe.model === 'auto' ? MODEL_DEFAULT : transcribe.model;
  const slots = agent.slots.transcribe;
  const plan = planEngines(seats, { ...{ device, model, wishes, slots, cores } });
  log.info({ engines: plan.seats.length }, `The engines: ${plan.words}`);
  const coresEach = Math.floor(cores / Math.max(1, seats.length));
  const work = new EnginesAtWork();
  const all = plan.seats.map(
    (seat) =>
      new TunedEngine({
        engine: lastingEngine(whisperOn(seat, config, log), config, log, work),
        gpu: seat === null ? null : `GPU ${seat.index} (${seat.product})`,
        firstRung: (name) => firstRung(seat, name, wishes, coresEach),
        ...{ clock: systemClock, log, starved },
      }),
  );
  return {
    all,
    needsGpu: device !== 'cpu' && all.length > 0,
    close: async () => undefined,
    starved: () =>
      all.length > 0 && all.every(({ starved }) => starved !== null)
        ? (all[0]?.starved ?? null)
        : null,
    onWork: (told) => work.tell(told),
    prepare: (path) => {
      if (all.length > PREPARING_MAX) return;
      for (const engine of all) void engine.prepare(path).catch(() => undefined);
    },
    report: (report) => ({
      ...report,
      gpuProblem:
        report.gpuProblem ??
        all.map(({ fallback }) => fallback).find((why) => why !== null) ??
        null,
      engineChoice: plan.words,
    }),
  };
}

function whisperOn(seat: GpuSeat | null, config: AgentConfig, log: Logger): WhisperEngine {
  const { settings, cudaLibraries = null, stateDir } = config;
  const gpuUuid = seat === null || seat.isCut ? null : seat.uuid;
  const cacheDir = join(stateDir, 'cuda-cache');
  const spec = {
    python: config.pythonPath,
    script: config.engineScript,
    env: engineEnvironment(process.env, { gpuUuid, cudaLibraries, cacheDir }),
    lockFd: inheritedLockFd(),
    silentMs: ENGINE_SILENT_MS,
    cancelMs: ENGINE_CANCEL_MS,
    clock: systemClock,
    log,
    said: (line: string) => log.info({ component: 'engine' }, line),
  };
  const models = modelsFolder(settings.dataDir);
  return new WhisperEngine(spec, { device: settings.transcribe.device, models }, Math.random);
}
