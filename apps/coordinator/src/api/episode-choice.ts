import type { FeedId } from '@podctl/domain/ids.ts';
import { err, ok, type Result } from '@podctl/domain/result.ts';
import type { EpisodeRow } from '../core/snapshot.ts';
import type { Fleet } from '../shell/fleet.ts';
import { EpisodeFilter } from './episode-filter.ts';
import { findEpisode } from './episode-finder.ts';
import { feedsAsked } from './feeds-asked.ts';
import type { Failure } from './status.ts';

/** Episodes that are chosen in bulk: of one feed or, where it is empty, of all. */
export interface EpisodeChoice {
  readonly feedId: string;
  readonly failed: boolean;
  readonly dead: boolean;
}

/** The episodes with a stage that is so. Nothing that is done or merely waits for its turn can be chosen like that. */
export function episodesChosen(
  fleet: Fleet,
  { feedId, failed, dead }: EpisodeChoice,
): Result<EpisodeRow[], Failure> {
  if (!failed && !dead)
    return err({
      kind: 'invalid',
      field: 'failed',
      message: 'no episode is named or chosen',
      hint: 'name some, or choose failed or dead ones',
    });
  const feeds = feedsAsked(fleet.picture().snapshot, feedId);
  if (!feeds.ok) return feeds;
  const filter = new EpisodeFilter(dead ? ['dead'] : [], failed, null);
  const some = feeds.value.filter((feed) => filter.mayBeIn(feed));
  return ok(some.flatMap((feed) => [...feed.episodes.values()].filter((row) => filter.holds(row))));
}

/** Null when episodes are either named or chosen. */
export function bothProblem(ids: readonly string[], choice: EpisodeChoice): Failure | null {
  const { feedId, failed, dead } = choice;
  if (ids.length === 0 || (feedId === '' && !failed && !dead)) return null;
  return {
    kind: 'invalid',
    field: 'episode_ids',
    message: 'episodes are named, and chosen by filters too',
    hint: 'give one or the other',
  };
}

export function episodesNamed(
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
