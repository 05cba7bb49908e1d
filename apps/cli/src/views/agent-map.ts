import {
  type Agent,
  AgentState,
  type Cordon,
  CordonKind,
  type Gpu,
  type RunningJob,
} from '@podctl/proto/podctl/v1/agent.ts';
import { type StageWord, stageWord } from './episode-map.ts';
import { isoTime } from './list-document.ts';

export type AgentStateWord =
  | 'live'
  | 'draining'
  | 'cordoned'
  | 'drained'
  | 'lost'
  | 'gone'
  | 'unknown';

/** That people keep an agent from new work. */
export interface CordonView {
  readonly kind: 'cordoned' | 'draining' | 'drained' | 'unknown';
  /** Empty when nobody said. */
  readonly reason: string;
  /** Who asked for it last; empty where nobody is asked who they are. */
  readonly by: string;
  readonly since: string | null;
  /** When what is left is taken back; null: at no time. */
  readonly deadline: string | null;
}

/** A job that an agent works on. */
export interface RunningJobView {
  /** `<episode>.<stage>.<run>`, as `job show` takes it; without the run where the coordinator does not tell it. */
  readonly jobId: string;
  readonly feedId: string;
  readonly episodeId: string;
  readonly stage: StageWord;
  readonly token: string;
  readonly progressRatio: number;
  readonly assignedAt: string | null;
  /** Of what is transcribed; null where it is not known. */
  readonly audioSeconds: number | null;
  /** Held ahead: it begins when its agent has a slot free. */
  readonly waiting: boolean;
  /** Of a job that was held ahead before; else null. */
  readonly begunAt: string | null;
  /** Empty when there is nothing to say. */
  readonly note: string;
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
  readonly scoreSlots: number;
  readonly lastHeartbeatAt: string | null;
  readonly jobs: readonly RunningJobView[];
  /** One sentence; empty when nothing is wrong. */
  readonly problem: string;
  /** Of a live agent's machine. */
  readonly gpus: readonly GpuView[];
  /** Why they cannot be used, one sentence; empty when there is nothing to say. */
  readonly gpuProblem: string;
  /** How its engines run and why, in words; empty when it is not told. */
  readonly engineChoice: string;
  /** Null while it is given work. */
  readonly cordon: CordonView | null;
  /** When its session began or ended; null from a coordinator that is older. */
  readonly stateSince: string | null;
}

const stateWords: { readonly [state: number]: AgentStateWord } = {
  [AgentState.LIVE]: 'live',
  [AgentState.DRAINING]: 'draining',
  [AgentState.CORDONED]: 'cordoned',
  [AgentState.DRAINED]: 'drained',
  [AgentState.LOST]: 'lost',
  [AgentState.GONE]: 'gone',
};

const cordonWords: { readonly [kind: number]: CordonView['kind'] } = {
  [CordonKind.CORDONED]: 'cordoned',
  [CordonKind.DRAINING]: 'draining',
  [CordonKind.DRAINED]: 'drained',
};

/** Whether its session is alive, whatever it is given. */
export function isThere({ state }: Pick<AgentView, 'state'>): boolean {
  return state !== 'lost' && state !== 'gone' && state !== 'unknown';
}

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
    scoreSlots: agent.scoreSlots,
    lastHeartbeatAt: isoTime(agent.lastHeartbeatAt),
    jobs: agent.jobs.map(runningJobView),
    problem: agent.problem,
    gpus: agent.gpus.map(gpuView),
    gpuProblem: agent.gpuProblem,
    engineChoice: agent.engineChoice,
    cordon: agent.cordon === undefined ? null : cordonView(agent.cordon),
    stateSince: isoTime(agent.stateSince),
  };
}

export function cordonView({ kind, reason, by, since, deadline }: Cordon): CordonView {
  const times = { since: isoTime(since), deadline: isoTime(deadline) };
  return { kind: cordonWords[kind] ?? 'unknown', reason, by, ...times };
}

export function runningJobView(job: RunningJob): RunningJobView {
  const stage = stageWord(job.stage);
  return {
    jobId: `${job.episodeId}.${stage}${job.run === 0 ? '' : `.${job.run}`}`,
    feedId: job.feedId,
    episodeId: job.episodeId,
    stage,
    token: String(job.token),
    progressRatio: job.progressRatio,
    assignedAt: isoTime(job.assignedAt),
    audioSeconds: job.audioSeconds ?? null,
    waiting: job.waiting,
    begunAt: isoTime(job.begunAt),
    note: job.note,
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
