import type { FeedView } from '../views/feed-map.ts';
import { oneLine } from './cell.ts';

/** More would push the table away; `-o wide` has them all. */
const SHOWN_MAX = 3;

/** Why feeds cannot be read: a line each, and how many more there are. */
export function failingLines(feeds: Iterable<FeedView>): string[] {
  const failing: FeedView[] = [];
  for (const feed of feeds) if (feed.state === 'failing') failing.push(feed);
  const shown = failing.slice(0, SHOWN_MAX);
  const more = failing.length - shown.length;
  return [
    ...shown.map((feed) => `FAILING ${feed.feedId}: ${oneLine(feed.problem) || 'no reason given'}`),
    ...(more > 0 ? [`+${more} more: "podctl feed list -o wide" shows why`] : []),
  ];
}
