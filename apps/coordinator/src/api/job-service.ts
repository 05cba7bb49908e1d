import { type AgentId, agentId, type FeedId, feedId } from '@podctl/domain/ids.ts';
import { parseJobId } from '@podctl/domain/job-id.ts';
import { err, ok, type Result } from '@podctl/domain/result.ts';
import type { Stage } from '@podctl/domain/stage.ts';
import type { Clock } from '@podctl/platform/clock.ts';
import { Stage as StageMessage } from '@podctl/proto/podctl/v1/episode.ts';
import {
  type CancelJobResponse,
  type GetJobResponse,
  type JobServiceServer,
  JobServiceService,
  type JobState as JobStateMessage,
  type ListJobsRequest,
  type ListJobsResponse,
} from '@podctl/proto/podctl/v1/job.ts';
import {
  endedJob,
  type JobView,
  jobNow,
  jobStateNow,
  runMeant,
  runningJobs,
  stageMeant,
} from '../core/job-view.ts';
import { episodeRow } from '../core/snapshot.ts';
import type { Caller } from '../shell/access.ts';
import type { Fleet } from '../shell/fleet.ts';
import { findEpisode } from './episode-finder.ts';
import type { Handlers } from './handler.ts';
import { JobLogs } from './job-logs.ts';
import { jobMessage, jobStateMessage } from './job-map.ts';
import { joinedKey, pageOf, takePage } from './page.ts';
import { stageOf } from './stage-map.ts';
import type { Failure } from './status.ts';

export const jobServiceDefinition = JobServiceService;

export function jobService(fleet: Fleet, handlers: Handlers, clock: Clock): JobServiceServer {
  const logs = new JobLogs({
    logs: fleet.logs,
    clock,
    stateOf: ({ feed, episode, stage, run }) => {
      const row = episodeRow(fleet.picture().snapshot, feed, episode);
      return row === null ? null : jobStateNow(row, stage, run);
    },
  });
  return {
    listJobs: handlers.unary('ListJobs', async (request) => listJobs(fleet, request)),
    getJob: handlers.unary('GetJob', ({ jobId }) => getJob(fleet, jobId)),
    cancelJob: handlers.unary('CancelJob', ({ jobId }, _signal, caller) =>
      cancelJob(fleet, jobId, caller),
    ),
    getJobLogs: handlers.streaming('GetJobLogs', async (request, send, signal) => {
      const found = findJob(fleet, request.jobId);
      if (!found.ok) return found.error;
      const { tailLines, follow } = request;
      return await logs.serve({ job: found.value, tailLines, follow }, send, signal);
    }),
  };
}

function listJobs(fleet: Fleet, request: ListJobsRequest): Result<ListJobsResponse, Failure> {
  const page = pageOf(request);
  if (!page.ok) return page;
  const filter = filterOf(request);
  if (!filter.ok) return filter;
  const ended = fleet.jobs.ended().map(endedJob).reverse();
  const views = [...runningJobs(fleet.picture()), ...ended].filter(filter.value);
  const sorted = views.sort((a, b) => (keyOf(a) < keyOf(b) ? -1 : 1));
  const { items, nextPageToken } = takePage(sorted, keyOf, page.value);
  return ok({ jobs: items.map(jobMessage), nextPageToken });
}

/** Above every time in milliseconds that a date can hold. */
const END_OF_TIME_MS = 9_000_000_000_000_000;

/** Sorts what runs before what ended, and of that the newest first. */
function keyOf({ feed, episode, stage, token, endedMs }: JobView): string {
  if (endedMs === null) return joinedKey('0', feed, episode, stage);
  const age = String(END_OF_TIME_MS - Math.floor(endedMs)).padStart(16, '0');
  return joinedKey('1', age, episode, stage, String(token));
}

function filterOf(request: ListJobsRequest): Result<(view: JobView) => boolean, Failure> {
  const feed = request.feedId === '' ? ok(null) : feedId(request.feedId);
  const agent = request.agentId === '' ? ok(null) : agentId(request.agentId);
  if (!feed.ok) return err(invalid('feed_id', feed.error, '"podctl feed list" shows them'));
  if (!agent.ok) return err(invalid('agent_id', agent.error, '"podctl agent list" shows them'));
  const stage = stageOf(request.stage);
  if (stage === null && request.stage !== StageMessage.UNSPECIFIED)
    return err(invalid('stage', 'stage is none that is known here', 'give download or transcribe'));
  const states = new Set(request.states);
  return ok((view) => fits(view, { feed: feed.value, agent: agent.value, stage, states }));
}

interface Wanted {
  readonly feed: FeedId | null;
  readonly agent: AgentId | null;
  readonly stage: Stage | null;
  readonly states: ReadonlySet<JobStateMessage>;
}

function fits(view: JobView, { feed, agent, stage, states }: Wanted): boolean {
  return (
    (feed === null || view.feed === feed) &&
    (agent === null || view.agent === agent) &&
    (stage === null || view.stage === stage) &&
    (states.size === 0 || states.has(jobStateMessage(view.state)))
  );
}

async function getJob(fleet: Fleet, id: string): Promise<Result<GetJobResponse, Failure>> {
  const found = findJob(fleet, id);
  if (!found.ok) return found;
  const { feed, episode, stage, run } = found.value;
  const attempts = fleet.jobs
    .ended()
    .filter((end) => end.episode === episode && end.stage === stage && end.run === run);
  const title = (await fleet.meta(feed, episode))?.title ?? '';
  return ok({
    job: jobMessage(found.value),
    attempts: attempts.map((attempt) => jobMessage(endedJob(attempt))).reverse(),
    title,
  });
}

async function cancelJob(
  fleet: Fleet,
  id: string,
  caller: Caller,
): Promise<Result<CancelJobResponse, Failure>> {
  const found = findJob(fleet, id);
  if (!found.ok) return found;
  const job = found.value;
  if (job.state === 'canceled') return ok({ job: jobMessage(job), revision: 0n });
  if (job.state === 'publishing') return err(accepted(id));
  if (job.token === null || job.state !== 'running') return err(notRunning(id, job));
  const { feed, episode, stage, token } = job;
  const canceled = await fleet.orders.cancelJob({ feed, episode, stage, token }, caller.name);
  switch (canceled.kind) {
    case 'released': {
      const revision = BigInt(canceled.revision);
      return ok({ job: jobMessage({ ...job, state: 'canceled' }), revision });
    }
    case 'committed':
      return err(accepted(id));
    case 'not_held':
      return err(notRunning(id, null));
  }
}

function invalid(field: string, message: string, hint: string): Failure {
  return { kind: 'invalid', field, message, hint };
}

function accepted(id: string): Failure {
  return {
    kind: 'precondition',
    reason: 'RESULT_ACCEPTED',
    message: `the result of job ${id} is accepted already: there is nothing left to cancel`,
  };
}

function notRunning(id: string, job: JobView | null): Failure {
  const now = job === null ? 'ended a moment ago' : `is ${job.state}`;
  return {
    kind: 'not_found',
    reason: 'JOB_NOT_RUNNING',
    message: `job ${id} does not run now: it ${now}`,
    hint: '"podctl job list" shows what runs',
  };
}

/** The one job that the caller means, as it stands. */
function findJob(fleet: Fleet, id: string): Result<JobView, Failure> {
  const given = parseJobId(id);
  if (!given.ok) return err(invalid('job_id', given.error, '"podctl job list" shows them'));
  const picture = fleet.picture();
  const row = findEpisode(picture.snapshot, given.value.episodePrefix);
  if (!row.ok) return row;
  const stage = given.value.stage ?? stageMeant(row.value, fleet.jobs.ended());
  const run = given.value.run ?? runMeant(row.value, stage);
  const job = jobNow(picture, row.value, stage, run);
  if (job !== null) return ok(job);
  return err({
    kind: 'not_found',
    reason: 'JOB_NOT_FOUND',
    message: `${stage} of episode ${row.value.episode} has no run ${run} now`,
    hint: 'leave the number out for its newest one',
  });
}
