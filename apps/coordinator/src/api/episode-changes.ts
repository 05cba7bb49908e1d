import { randomUUID } from 'node:crypto';
import type { FeedId } from '@podctl/domain/ids.ts';
import { err, ok, type Result } from '@podctl/domain/result.ts';
import { STAGES } from '@podctl/domain/stage.ts';
import type {
  PrioritizeEpisodesRequest,
  PrioritizeEpisodesResponse,
  RetryEpisodesRequest,
  RetryEpisodesResponse,
  SkipEpisodeRequest,
  SkipEpisodeResponse,
} from '@podctl/proto/podctl/v1/episode.ts';
import { chosenJobs, namedJobs, type RetryFilter, type RetryJob } from '../core/retry-choice.ts';
import { type EpisodeRow, isOpenEpisode, wantedFeeds } from '../core/snapshot.ts';
import type { Fleet } from '../shell/fleet.ts';
import { findEpisode } from './episode-finder.ts';
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
  const jobs = request.episodeIds.length > 0 ? named(fleet, request) : chosen(fleet, request);
  if (!jobs.ok) return jobs;
  const matched = jobs.value.length;
  if (request.validateOnly) return ok({ matched, requested: 0, left: matched });
  const now = jobs.value.slice(0, JOBS_A_CALL_MAX);
  const asked = `retry-${randomUUID()}`;
  const again = now.flatMap(({ run, ...of }) => (run === null ? [] : [{ ...of, run }]));
  const dead = now.flatMap(({ run, ...of }) => (run === null ? [of] : []));
  const requested =
    (await fleet.orders.retryJobs(asked, dead)) +
    (again.length === 0 ? 0 : await fleet.orders.repeatRuns(asked, again));
  return ok({ matched, requested, left: matched - now.length });
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
    ({ tally }) => (dead && tally.dead > 0) || (failed && tally.retrying > 0),
  );
  const episodes = some.flatMap((row) => [...row.episodes.values()]);
  return ok(episodes.flatMap((row) => chosenJobs(row, row.state, filter, now.wallMs)));
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

export async function prioritizeEpisodes(
  fleet: Fleet,
  { episodeIds }: PrioritizeEpisodesRequest,
): Promise<Result<PrioritizeEpisodesResponse, Failure>> {
  const rows = episodesNamed(fleet, episodeIds, PRIORITIZED_A_CALL_MAX);
  if (!rows.ok) return rows;
  const { snapshot } = fleet.picture();
  const open = rows.value.filter(({ feed, episode }) => isOpenEpisode(snapshot, feed, episode));
  const byFeed = Map.groupBy(open, ({ feed }) => feed);
  for (const [feed, some] of byFeed) {
    const changed = await ordered(fleet, feed, { first: some.map(({ episode }) => episode) });
    if (!changed.ok) return changed;
  }
  return ok({ prioritized: open.length, done: rows.value.length - open.length });
}

function episodesNamed(
  fleet: Fleet,
  ids: readonly string[],
  max: number,
): Result<EpisodeRow[], Failure> {
  if (ids.length === 0 || ids.length > max)
    return err({
      kind: 'invalid',
      field: 'episode_ids',
      message: `${ids.length} episodes were named`,
      hint: `name 1 to ${max} a call`,
    });
  const { snapshot } = fleet.picture();
  const rows = new Map<string, EpisodeRow>();
  for (const id of ids) {
    const found = findEpisode(snapshot, id);
    if (!found.ok) return found;
    if (isRemoved(fleet, found.value.feed)) return err(removedFailure(found.value));
    rows.set(found.value.episode, found.value);
  }
  return ok([...rows.values()]);
}

function isRemoved(fleet: Fleet, feed: FeedId): boolean {
  return fleet.picture().snapshot.feeds.get(feed)?.record?.removed === true;
}

function removedFailure({ feed, episode }: EpisodeRow): Failure {
  return {
    kind: 'precondition',
    message: `feed ${feed} of episode ${episode} was removed`,
    hint: 'add it again with "podctl feed add" first',
  };
}
