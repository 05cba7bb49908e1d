import type { FeedItem } from './feed-document.ts';

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
