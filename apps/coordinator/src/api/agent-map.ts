import type { Gpu } from '@podctl/domain/gpu.ts';
import {
  type Agent,
  AgentState as AgentStateMessage,
  type Gpu as GpuMessage,
  type RunningJob,
} from '@podctl/proto/podctl/v1/agent.ts';
import type { SessionRow } from '../core/snapshot.ts';
import type { AgentView, LockView } from '../core/view.ts';
import { stageMessage } from './stage-map.ts';
import { dateOf } from './time-map.ts';

const states: { readonly [S in SessionRow['record']['state']]: AgentStateMessage } = {
  live: AgentStateMessage.LIVE,
  lost: AgentStateMessage.LOST,
  gone: AgentStateMessage.GONE,
};

export function agentMessage(view: AgentView): Agent {
  const { record } = view;
  return {
    agentId: record.agent,
    state: view.draining ? AgentStateMessage.DRAINING : states[record.state],
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
  };
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

function runningJob({ feed, episode, stage, lock, progress }: LockView): RunningJob {
  return {
    feedId: feed,
    episodeId: episode,
    stage: stageMessage(stage),
    token: BigInt(lock.token),
    progressRatio: progress,
    assignedAt: dateOf(lock.sinceMs),
  };
}
