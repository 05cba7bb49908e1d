import { type Agent, AgentState, type Gpu } from '@podctl/proto/podctl/v1/agent.ts';
import { type StageWord, stageWord } from './episode-map.ts';
import { isoTime } from './list-document.ts';

export type AgentStateWord = 'live' | 'draining' | 'lost' | 'gone' | 'unknown';

/** A job that an agent works on. */
export interface RunningJobView {
  readonly feedId: string;
  readonly episodeId: string;
  readonly stage: StageWord;
  readonly token: string;
  readonly progressRatio: number;
  readonly assignedAt: string | null;
}

/** A GPU of an agent's machine; null is what the machine does not tell. */
export interface GpuView {
  readonly index: number;
  /** Empty when it is not told, as the driver is. */
  readonly uuid: string;
  readonly product: string;
  readonly driver: string;
  readonly backend: string;
  readonly memorySizeBytes: number | null;
  readonly memoryUsedBytes: number | null;
  readonly utilizationRatio: number | null;
  readonly temperatureCelsius: number | null;
  readonly powerWatts: number | null;
}

/** An agent, as `--json` prints it. */
export interface AgentView {
  readonly agentId: string;
  readonly state: AgentStateWord;
  /** Empty when it has none. */
  readonly session: string;
  readonly host: string;
  readonly version: string;
  readonly engine: string;
  readonly downloadSlots: number;
  readonly transcribeSlots: number;
  readonly lastHeartbeatAt: string | null;
  readonly jobs: readonly RunningJobView[];
  /** One sentence; empty when nothing is wrong. */
  readonly problem: string;
  /** Of a live agent's machine. */
  readonly gpus: readonly GpuView[];
  /** Why they cannot be used, one sentence; empty when there is nothing to say. */
  readonly gpuProblem: string;
}

const stateWords: { readonly [state: number]: AgentStateWord } = {
  [AgentState.LIVE]: 'live',
  [AgentState.DRAINING]: 'draining',
  [AgentState.LOST]: 'lost',
  [AgentState.GONE]: 'gone',
};

export function agentView(agent: Agent): AgentView {
  return {
    agentId: agent.agentId,
    state: stateWords[agent.state] ?? 'unknown',
    session: agent.session === 0n ? '' : String(agent.session),
    host: agent.host,
    version: agent.version,
    engine: agent.engine,
    downloadSlots: agent.downloadSlots,
    transcribeSlots: agent.transcribeSlots,
    lastHeartbeatAt: isoTime(agent.lastHeartbeatAt),
    jobs: agent.jobs.map((job) => ({
      feedId: job.feedId,
      episodeId: job.episodeId,
      stage: stageWord(job.stage),
      token: String(job.token),
      progressRatio: job.progressRatio,
      assignedAt: isoTime(job.assignedAt),
    })),
    problem: agent.problem,
    gpus: agent.gpus.map(gpuView),
    gpuProblem: agent.gpuProblem,
  };
}

function gpuView(gpu: Gpu): GpuView {
  const { index, uuid, product, driver, backend } = gpu;
  return {
    ...{ index, uuid, product, driver, backend },
    memorySizeBytes: gpu.memorySizeBytes === undefined ? null : Number(gpu.memorySizeBytes),
    memoryUsedBytes: gpu.memoryUsedBytes === undefined ? null : Number(gpu.memoryUsedBytes),
    utilizationRatio: gpu.utilizationRatio ?? null,
    temperatureCelsius: gpu.temperatureCelsius ?? null,
    powerWatts: gpu.powerWatts ?? null,
  };
}
