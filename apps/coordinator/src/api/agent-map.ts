import type { CordonKind, CordonState } from '@podctl/domain/cordon.ts';
import type { Gpu } from '@podctl/domain/gpu.ts';
import { slotsOf } from '@podctl/domain/session.ts';
import {
  type Agent,
  AgentState as AgentStateMessage,
  type Cordon,
  CordonKind as CordonKindMessage,
  type Gpu as GpuMessage,
  type RunningJob,
} from '@podctl/proto/podctl/v1/agent.ts';
import type { AgentJob, AgentView, AgentWord } from '../core/view.ts';
import { stageMessage } from './stage-map.ts';
import { dateOf } from './time-map.ts';

const states: { readonly [W in AgentWord]: AgentStateMessage } = {
  live: AgentStateMessage.LIVE,
  lost: AgentStateMessage.LOST,
  gone: AgentStateMessage.GONE,
  draining: AgentStateMessage.DRAINING,
  cordoned: AgentStateMessage.CORDONED,
  drained: AgentStateMessage.DRAINED,
};

const cordonKinds: { readonly [K in CordonKind]: CordonKindMessage } = {
  open: CordonKindMessage.UNSPECIFIED,
  cordoned: CordonKindMessage.CORDONED,
  draining: CordonKindMessage.DRAINING,
  drained: CordonKindMessage.DRAINED,
};

export function agentMessage(view: AgentView): Agent {
  const { record } = view;
  return {
    agentId: record.agent,
    state: states[view.word],
    session: BigInt(record.state === 'live' ? view.session : 0),
    host: record.host,
    version: record.version,
    downloadSlots: record.slots.download,
    transcribeSlots: record.slots.transcribe,
    lastHeartbeatAt: dateOf(view.lastHeartbeatMs),
    jobs: view.jobs.map(runningJob),
    engine: view.engine,
    problem: view.problem,
    gpus: view.gpus.map(gpuMessage),
    gpuProblem: view.gpuProblem,
    engineChoice: view.engineChoice,
    cordon: view.cordon === null ? undefined : cordonMessage(view.cordon),
    stateSince: dateOf(record.sinceMs),
    scoreSlots: slotsOf(record.slots, 'score'),
  };
}

export function cordonMessage({ kind, reason, by, sinceMs, deadlineMs }: CordonState): Cordon {
  const times = { since: dateOf(sinceMs), deadline: dateOf(deadlineMs) };
  return { kind: cordonKinds[kind], reason, by, ...times };
}

function gpuMessage(gpu: Gpu): GpuMessage {
  const { index, uuid, product, driver, backend } = gpu;
  return {
    ...{ index, uuid, product, driver, backend },
    memorySizeBytes: wholeOf(gpu.memorySizeBytes),
    memoryUsedBytes: wholeOf(gpu.memoryUsedBytes),
    utilizationRatio: gpu.utilizationRatio ?? undefined,
    temperatureCelsius: gpu.temperatureCelsius ?? undefined,
    powerWatts: gpu.powerWatts ?? undefined,
  };
}

/** An agent may tell of half a byte. */
function wholeOf(bytes: number | null): bigint | undefined {
  return bytes === null ? undefined : BigInt(Math.round(bytes));
}

export function runningJob(job: AgentJob): RunningJob {
  const { feed, episode, stage, lock, progress, audioSeconds, waiting, note } = job;
  return {
    feedId: feed,
    episodeId: episode,
    stage: stageMessage(stage),
    token: BigInt(lock.token),
    progressRatio: progress,
    assignedAt: dateOf(lock.sinceMs),
    audioSeconds: audioSeconds ?? undefined,
    run: lock.run,
    waiting,
    begunAt: dateOf(job.begunMs),
    note,
  };
}
