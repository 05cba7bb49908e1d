import { countWords } from '../render/words.ts';
import { episodesLeft, type FeedView } from '../views/feed-map.ts';
import type { WatchState } from './watch-state.ts';

/** Whether anything is left to do. */
export type Completion =
  | { readonly kind: 'working' }
  /** Every feed was read, every episode is transcribed, and scored where an agent does that. */
  | { readonly kind: 'complete'; readonly transcribed: number }
  /** Nothing is left that would go on by itself. */
  | { readonly kind: 'failed'; readonly reasons: readonly string[] };

const REASONS_MAX = 20;

/**
 * What `--until-done` waits for. A feed that fails ends it only when the rest is done: it may recover meanwhile.
 * No feeds at all is complete too, so `known` (the number of feeds that were added) guards against looking too early.
 */
export function completionOf(state: WatchState, known: number): Completion {
  const { overview } = state;
  if (overview === null || overview.feeds < known) return { kind: 'working' };
  const feeds = [...state.feeds.values()];
  if (feeds.length < overview.feeds || !feeds.every(settled)) return { kind: 'working' };
  // No feed waits for its scores, but who ends what runs would leave them undone.
  if (overview.asideLeft > 0) return { kind: 'working' };
  const reasons = feeds.flatMap(failureOf);
  if (reasons.length === 0) return { kind: 'complete', transcribed: overview.transcribed };
  const more = reasons.length - REASONS_MAX;
  const shown = reasons.slice(0, REASONS_MAX);
  return { kind: 'failed', reasons: more > 0 ? [...shown, `and ${more} more`] : shown };
}

function settled(feed: FeedView): boolean {
  if (feed.state === 'done') return true;
  // Of a paused one no more jobs begin: what runs is waited for, and its first reading.
  if (feed.state === 'paused') return isRead(feed) && !isWorkedOn(feed);
  return (feed.state === 'failing' || feed.state === 'gone') && episodesLeft(feed) === 0;
}

function isRead({ lastSuccessAt, problem }: FeedView): boolean {
  return lastSuccessAt !== null || problem !== '';
}

function isWorkedOn({ downloadWorkers, transcribeWorkers }: FeedView): boolean {
  return downloadWorkers + transcribeWorkers > 0;
}

function failureOf(feed: FeedView): string[] {
  const problems: string[] = [];
  if (feed.state === 'failing' || feed.lastSuccessAt === null)
    problems.push(`feed ${feed.feedId} cannot be read: ${feed.problem}`);
  const left = episodesLeft(feed);
  if (feed.state === 'paused' && left > 0)
    problems.push(
      `feed ${feed.feedId} is paused with ${countWords(left, 'episode')} left ("podctl feed resume ${feed.feedId}" goes on)`,
    );
  if (feed.dead > 0)
    problems.push(
      `feed ${feed.feedId} has ${feed.dead} dead of ${countWords(feed.episodes, 'episode')} ("podctl episode list --feed ${feed.feedId} -o wide" shows why)`,
    );
  return problems;
}
