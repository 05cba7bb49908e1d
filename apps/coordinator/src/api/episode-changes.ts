import { randomUUID } from 'node:crypto';
import { isModelName } from '@podctl/domain/feed-choices.ts';
import { err, ok, type Result } from '@podctl/domain/result.ts';
import { STAGES } from '@podctl/domain/stage.ts';
import type {
  PrioritizeEpisodesRequest,
  PrioritizeEpisodesResponse,
  RetryEpisodesRequest,
  RetryEpisodesResponse,
  SkipEpisodeRequest,
  SkipEpisodeResponse,
  SkipEpisodesRequest,
  SkipEpisodesResponse,
} from '@podctl/proto/podctl/v1/episode.ts';
import { chosenJobs, namedJobs, type RetryFilter, type RetryJob } from '../core/retry-choice.ts';
import { isOpenEpisode, wantedFeeds } from '../core/snapshot.ts';
import type { Tally } from '../core/tally.ts';
import type { Fleet } from '../shell/fleet.ts';
import { bothProblem, episodesChosen, episodesNamed } from './episode-choice.ts';
import { ordered } from './feed-changes.ts';
import { findFeed } from './feed-finder.ts';
import { stageMessage, stageOf } from './stage-map.ts';
import type { Failure } from './status.ts';

/** Each is a synced write or two, and a caller waits for some seconds only. */
const JOBS_A_CALL_MAX = 250;
/** Where nobody is asked for a name. */
const NOBODY_NAMED = 'an operator';
const PRIORITIZED_A_CALL_MAX = 100;

export async function retryEpisodes(
  fleet: Fleet,
  request: RetryEpisodesRequest,
): Promise<Result<RetryEpisodesResponse, Failure>> {
  const problem = modelProblem(request);
  if (problem !== null) return err(problem);
  const model = request.model === '' ? undefined : request.model;
  const jobs = request.episodeIds.length > 0 ? named(fleet, request) : chosen(fleet, request);
  if (!jobs.ok) return jobs;
  const matched = jobs.value.length;
  if (request.validateOnly) return ok({ matched, requested: 0, left: matched });
  const now = jobs.value.slice(0, JOBS_A_CALL_MAX);
  const asked = `retry-${randomUUID()}`;
  const again = now.flatMap(({ run, ...of }) => (run === null ? [] : [{ ...of, run }]));
  const dead = now.flatMap(({ run, ...of }) => (run === null ? [of] : []));
  const requested =
    (await fleet.orders.retryJobs(asked, dead, model)) +
    (again.length === 0 ? 0 : await fleet.orders.repeatRuns(asked, again, model));
  return ok({ matched, requested, left: matched - now.length });
}

function modelProblem({ model, stage }: RetryEpisodesRequest): Failure | null {
  if (model === '') return null;
  if (stageOf(stage) !== 'transcribe')
    return {
      kind: 'invalid',
      field: 'stage',
      message: 'a model is chosen for another stage than transcribe',
      hint: 'choose the stage transcribe as well',
    };
  return isModelName(model)
    ? null
    : {
        kind: 'invalid',
        field: 'model',
        message: 'the model is no name of one',
        hint: 'give one such as small.en, or owner/name',
      };
}

function named(fleet: Fleet, request: RetryEpisodesRequest): Result<RetryJob[], Failure> {
  const { episodeIds, feedId, failed, dead } = request;
  if (feedId !== '' || failed || dead)
    return err({
      kind: 'invalid',
      field: 'episode_ids',
      message: 'episodes are named, and chosen by filters too',
      hint: 'give one or the other',
    });
  const rows = episodesNamed(fleet, episodeIds, JOBS_A_CALL_MAX);
  if (!rows.ok) return rows;
  const nowMs = fleet.picture().now.wallMs;
  const stage = stageOf(request.stage);
  return ok(rows.value.flatMap((row) => namedJobs(row, row.state, stage, nowMs)));
}

function chosen(fleet: Fleet, request: RetryEpisodesRequest): Result<RetryJob[], Failure> {
  const { feedId, failed, dead } = request;
  if (!failed && !dead)
    return err({
      kind: 'invalid',
      field: 'episode_ids',
      message: 'no episode is named or chosen',
      hint: 'name some, or choose failed or dead ones',
    });
  const { snapshot, now } = fleet.picture();
  const feed = feedId === '' ? null : findFeed(snapshot, feedId);
  if (feed !== null && !feed.ok) return feed;
  const stage = stageOf(request.stage);
  const filter: RetryFilter = { failed, dead, stages: stage === null ? STAGES : [stage] };
  const rows = feed === null ? wantedFeeds(snapshot) : [feed.value];
  // What is counted need not be looked for in all of its episodes.
  const some = rows.filter(
    ({ tally }) => (dead && hasDeadJobs(tally)) || (failed && tally.retryingJobs > 0),
  );
  const episodes = some.flatMap((row) => [...row.episodes.values()]);
  return ok(episodes.flatMap((row) => chosenJobs(row, row.state, filter, now.wallMs)));
}

/** Also of a stage whose end gives up no episode. */
function hasDeadJobs({ deadJobs }: Tally): boolean {
  return STAGES.some((stage) => deadJobs[stage] > 0);
}

export async function skipEpisode(
  fleet: Fleet,
  { episodeId }: SkipEpisodeRequest,
  by: string,
): Promise<Result<SkipEpisodeResponse, Failure>> {
  const found = episodesNamed(fleet, [episodeId], 1);
  if (!found.ok) return found;
  const [row] = found.value;
  if (row === undefined) return ok({ skipped: [], episodeId });
  const { feed, episode } = row;
  const skipped = await fleet.orders.skipEpisode({ feed, episode, by: by || NOBODY_NAMED });
  return ok({ skipped: skipped.map(stageMessage), episodeId: episode });
}

/** Those of a call at a time: a server does several synced writes in the time of one. */
const SKIPPED_AT_ONCE = 16;

export async function skipEpisodes(
  fleet: Fleet,
  request: SkipEpisodesRequest,
  by: string,
): Promise<Result<SkipEpisodesResponse, Failure>> {
  const rows = episodesChosen(fleet, request);
  if (!rows.ok) return rows;
  const matched = rows.value.length;
  if (request.validateOnly) return ok({ matched, skipped: 0, left: matched });
  const now = rows.value.slice(0, JOBS_A_CALL_MAX);
  let skipped = 0;
  for (let i = 0; i < now.length; i += SKIPPED_AT_ONCE) {
    const some = now.slice(i, i + SKIPPED_AT_ONCE).map(({ feed, episode }) => {
      return fleet.orders.skipEpisode({ feed, episode, by: by || NOBODY_NAMED });
    });
    skipped += (await Promise.all(some)).filter((stages) => stages.length > 0).length;
  }
  return ok({ matched, skipped, left: matched - now.length });
}

export async function prioritizeEpisodes(
  fleet: Fleet,
  request: PrioritizeEpisodesRequest,
): Promise<Result<PrioritizeEpisodesResponse, Failure>> {
  const { episodeIds, validateOnly } = request;
  const both = bothProblem(episodeIds, request);
  if (both !== null) return err(both);
  const rows =
    request.failed || request.dead
      ? episodesChosen(fleet, request)
      : episodesNamed(fleet, episodeIds, PRIORITIZED_A_CALL_MAX);
  if (!rows.ok) return rows;
  const { snapshot } = fleet.picture();
  const open = rows.value.filter(({ feed, episode }) => isOpenEpisode(snapshot, feed, episode));
  const byFeed = Map.groupBy(open, ({ feed }) => feed);
  // All are asked before any is changed: what one feed refuses must not come half way.
  for (const dryRun of validateOnly ? [true] : [true, false]) {
    for (const [feed, some] of byFeed) {
      const first = some.map(({ episode }) => episode);
      const changed = await ordered(fleet, feed, { first }, dryRun);
      if (!changed.ok) return changed;
    }
  }
  return ok({ prioritized: open.length, done: rows.value.length - open.length });
}
