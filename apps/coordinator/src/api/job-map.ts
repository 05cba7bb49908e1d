import { jobIdOf } from '@podctl/domain/job-id.ts';
import type { LogLevel } from '@podctl/domain/protocol.ts';
import {
  type Job,
  JobState as JobStateMessage,
  LogLevel as LogLevelMessage,
  type LogLine,
} from '@podctl/proto/podctl/v1/job.ts';
import type { KeptLine } from '../core/agent-log.ts';
import type { JobState, JobView } from '../core/job-view.ts';
import { stageMessage } from './stage-map.ts';
import { dateOf } from './time-map.ts';

const states: { readonly [S in JobState]: JobStateMessage } = {
  waiting: JobStateMessage.WAITING,
  running: JobStateMessage.RUNNING,
  publishing: JobStateMessage.PUBLISHING,
  done: JobStateMessage.DONE,
  failed: JobStateMessage.FAILED,
  returned: JobStateMessage.RETURNED,
  lost: JobStateMessage.LOST,
  dead: JobStateMessage.DEAD,
  canceled: JobStateMessage.CANCELED,
};

const levels: { readonly [L in LogLevel]: LogLevelMessage } = {
  debug: LogLevelMessage.DEBUG,
  info: LogLevelMessage.INFO,
  warn: LogLevelMessage.WARN,
  error: LogLevelMessage.ERROR,
};

export function jobStateMessage(state: JobState): JobStateMessage {
  return states[state];
}

export function jobMessage(view: JobView): Job {
  const { feed, episode, stage, run, state, progress, reason } = view;
  return {
    jobId: jobIdOf(episode, stage, run),
    feedId: feed,
    episodeId: episode,
    stage: stageMessage(stage),
    run,
    state: states[state],
    token: BigInt(view.token ?? 0),
    agentId: view.agent ?? '',
    attempt: view.attempt ?? 0,
    progressRatio: progress,
    beganAt: dateOf(view.beganMs),
    endedAt: dateOf(view.endedMs),
    reason,
  };
}

/** `missing`: lines of the job before it that are not kept. */
export function logLineMessage(line: KeptLine, missing: number): LogLine {
  const { atMs, level, message, agent, job, droppedBefore } = line;
  return {
    at: dateOf(atMs),
    level: levels[level],
    message,
    agentId: agent,
    token: BigInt(job?.token ?? 0),
    droppedBefore: BigInt(droppedBefore + missing),
  };
}
