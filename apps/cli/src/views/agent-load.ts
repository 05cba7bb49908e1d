import { type AgentStateWord, type AgentView, isThere, type RunningJobView } from './agent-map.ts';

/** How busy an agent is, as `agent top --json` prints it. */
export interface AgentLoadView {
  readonly agentId: string;
  readonly state: AgentStateWord;
  readonly downloadSlots: number;
  readonly downloadsRunning: number;
  readonly transcribeSlots: number;
  readonly transcriptionsRunning: number;
  /** Mean over its GPUs that tell; null when none does. */
  readonly gpuUtilizationRatio: number | null;
  /** Of all its GPUs; null when one does not tell. */
  readonly gpuMemoryUsedBytes: number | null;
  readonly gpuMemorySizeBytes: number | null;
  /** Seconds of audio that what runs now transcribes in a second; null when that cannot be told yet. */
  readonly speedRatio: number | null;
  readonly jobs: readonly RunningJobView[];
}

/** Null for an agent that is not there: nobody knows what it does. */
export function agentLoad(agent: AgentView, nowMs: number): AgentLoadView | null {
  if (!isThere(agent)) return null;
  const { agentId, state, downloadSlots, transcribeSlots, jobs, gpus } = agent;
  const busy = gpus.map((gpu) => gpu.utilizationRatio).filter((ratio) => ratio !== null);
  const running = (stage: string) =>
    jobs.filter((job) => job.stage === stage && !job.waiting).length;
  return {
    ...{ agentId, state, downloadSlots, transcribeSlots, jobs },
    downloadsRunning: running('download'),
    transcriptionsRunning: running('transcribe'),
    gpuUtilizationRatio: busy.length === 0 ? null : sum(busy) / busy.length,
    gpuMemoryUsedBytes: sumOfAll(gpus.map((gpu) => gpu.memoryUsedBytes)),
    gpuMemorySizeBytes: sumOfAll(gpus.map((gpu) => gpu.memorySizeBytes)),
    speedRatio: speedOf(jobs, nowMs),
  };
}

/** Loading a model takes a while: what began a moment ago says nothing yet. */
const RUNNING_MS_MIN = 3_000;

function speedOf(jobs: readonly RunningJobView[], nowMs: number): number | null {
  const speeds = jobs.flatMap(({ audioSeconds, assignedAt, begunAt, progressRatio }) => {
    const since = begunAt ?? assignedAt;
    const sinceMs = since === null ? 0 : nowMs - Date.parse(since);
    const isTold = audioSeconds !== null && progressRatio > 0 && sinceMs >= RUNNING_MS_MIN;
    return isTold ? [(audioSeconds * progressRatio) / (sinceMs / 1_000)] : [];
  });
  return speeds.length === 0 ? null : sum(speeds);
}

function sumOfAll(figures: readonly (number | null)[]): number | null {
  const known = figures.filter((figure) => figure !== null);
  return figures.length === 0 || known.length < figures.length ? null : sum(known);
}

function sum(figures: readonly number[]): number {
  return figures.reduce((total, figure) => total + figure, 0);
}
