import type { ClusterId } from '@podctl/domain/ids.ts';
import type { JobToken, ResultOutcome } from '@podctl/domain/protocol.ts';

/** A (cluster, job, token) as one text; also the name of its file in the journal. */
export function tokenKey(cluster: ClusterId, job: JobToken): string {
  return `${jobKeyOf(cluster, job)}.${job.token}`;
}

/** The job without its token: a stage of an episode, in one world. */
export function jobKeyOf(cluster: ClusterId, job: JobToken): string {
  return `${cluster}.${job.feed}.${job.episode}.${job.stage}`;
}

/** A result as the journal keeps it until it is settled. */
export interface PendingResult {
  readonly cluster: ClusterId;
  readonly job: JobToken;
  readonly outcome: ResultOutcome;
}
