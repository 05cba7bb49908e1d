import type { FeedItem } from './feed-document.ts';
import { enclosureKey } from './tracking.ts';

/**
 * What a listing is merged by: its key; where another episode has that already, its file as well. One GUID on two episodes is
 * a slip of the publisher: the ledger keeps them apart.
 */
export function mergeKey(byKey: ReadonlyMap<string, FeedItem>, item: FeedItem): string {
  const first = byKey.get(item.key);
  const isSlip = first !== undefined && isOtherEpisode(first, item);
  return isSlip ? `${item.key}\n${enclosureKey(item.enclosureUrl)}` : item.key;
}

/** What both listings say, and not alike: a file of its own, and a title, a date or a length of its own. */
function isOtherEpisode(a: FeedItem, b: FeedItem): boolean {
  const isOther = <T>(one: T | null, two: T | null) => one !== null && two !== null && one !== two;
  const saysOther =
    isOther(a.title || null, b.title || null) ||
    isOther(a.publishedMs, b.publishedMs) ||
    isOther(a.durationSecondsEstimate, b.durationSecondsEstimate);
  return saysOther && enclosureKey(a.enclosureUrl) !== enclosureKey(b.enclosureUrl);
}

/** Two listings of one key: the earlier counts, the later fills what it leaves open. */
export function mergeItems(earlier: FeedItem, later: FeedItem): FeedItem {
  return {
    ...later,
    ...earlier,
    title: earlier.title === '' ? later.title : earlier.title,
    publishedMs: earlier.publishedMs ?? later.publishedMs,
    lengthBytes: earlier.lengthBytes ?? later.lengthBytes,
    durationSecondsEstimate: earlier.durationSecondsEstimate ?? later.durationSecondsEstimate,
    season: earlier.season ?? later.season,
    episodeNumber: earlier.episodeNumber ?? later.episodeNumber,
  };
}
