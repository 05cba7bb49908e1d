import {
  type GetJobResponse,
  type Job,
  JobState,
  LogLevel,
  type LogLine,
} from '@podctl/proto/podctl/v1/job.ts';
import { type StageWord, stageWord } from './episode-map.ts';
import { isoTime } from './list-document.ts';

export const JOB_STATES = {
  running: JobState.RUNNING,
  publishing: JobState.PUBLISHING,
  done: JobState.DONE,
  failed: JobState.FAILED,
  returned: JobState.RETURNED,
  lost: JobState.LOST,
  dead: JobState.DEAD,
  canceled: JobState.CANCELED,
} as const;

export type JobStateWord = keyof typeof JOB_STATES | 'waiting' | 'unknown';

/** An attempt at a job, as `--json` prints it. */
export interface JobView {
  /** `<episode>.<stage>.<run>` */
  readonly jobId: string;
  readonly feedId: string;
  readonly episodeId: string;
  readonly stage: StageWord;
  readonly run: number;
  readonly state: JobStateWord;
  /** Fencing token; empty when there is none. */
  readonly token: string;
  /** Empty when there is none, or it is not known. */
  readonly agentId: string;
  /** From 1; null when it is not known. */
  readonly attempt: number | null;
  readonly progressRatio: number;
  readonly beganAt: string | null;
  readonly endedAt: string | null;
  readonly reason: string;
}

/** A job with the attempts at it that are known. */
export interface JobDetail extends JobView {
  readonly title: string;
  /** Newest first. */
  readonly attempts: readonly JobView[];
}

/** One line of `job logs -o jsonl`. */
export interface LogLineView {
  readonly at: string | null;
  readonly level: 'debug' | 'info' | 'warn' | 'error' | 'unknown';
  readonly agentId: string;
  readonly token: string;
  readonly message: string;
  /** Lines that are missing before this one. */
  readonly droppedBefore: number;
}

export function jobView(job: Job): JobView {
  const { jobId, feedId, episodeId, run, progressRatio, reason } = job;
  return {
    ...{ jobId, feedId, episodeId, stage: stageWord(job.stage), run },
    state: stateWord(job.state),
    token: job.token === 0n ? '' : String(job.token),
    agentId: job.agentId,
    attempt: job.attempt === 0 ? null : job.attempt,
    progressRatio,
    beganAt: isoTime(job.beganAt),
    endedAt: isoTime(job.endedAt),
    reason,
  };
}

/** Null when the answer holds no job. */
export function jobDetail({ job, attempts, title }: GetJobResponse): JobDetail | null {
  return job === undefined ? null : { ...jobView(job), title, attempts: attempts.map(jobView) };
}

export function logLineView(line: LogLine): LogLineView {
  return {
    at: isoTime(line.at),
    level: levels[line.level] ?? 'unknown',
    agentId: line.agentId,
    token: String(line.token),
    message: line.message,
    droppedBefore: Number(line.droppedBefore),
  };
}

/** As people type it: the episode's id as short as it is unique. */
export function shortJobId({ jobId, episodeId }: Pick<JobView, 'jobId' | 'episodeId'>): string {
  return `${episodeId.slice(0, SHORT)}${jobId.slice(episodeId.length)}`;
}

const SHORT = 8;

const levels: { readonly [level: number]: LogLineView['level'] } = {
  [LogLevel.DEBUG]: 'debug',
  [LogLevel.INFO]: 'info',
  [LogLevel.WARN]: 'warn',
  [LogLevel.ERROR]: 'error',
};

function stateWord(state: JobState): JobStateWord {
  if (state === JobState.WAITING) return 'waiting';
  for (const word of stateWords) if (JOB_STATES[word] === state) return word;
  return 'unknown';
}

const stateWords = Object.keys(JOB_STATES) as (keyof typeof JOB_STATES)[];
