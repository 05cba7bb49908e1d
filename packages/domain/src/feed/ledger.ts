import { type EpisodeId, episodeIdFrom, type FeedId } from '../ids.ts';
import type { FeedDocument, FeedItem } from './feed-document.ts';

export interface NewEpisode {
  readonly episode: EpisodeId;
  readonly item: FeedItem;
}

export interface Listing {
  /** Episodes never seen before, in the feed's order: by key, never by date. */
  readonly fresh: readonly NewEpisode[];
  /** All that the document lists. */
  readonly listed: ReadonlySet<EpisodeId>;
}

/**
 * What a document adds to the episodes known. It can only add: a feed that shrinks (a host's cap, an outage, paging)
 * takes nothing away, since nothing here says what to remove.
 * `sha256` gives the 32 bytes over the text's UTF-8.
 */
export function foldListing(
  isKnown: (episode: EpisodeId) => boolean,
  document: FeedDocument,
  feed: FeedId,
  sha256: (text: string) => Uint8Array,
): Listing {
  const listed = new Set<EpisodeId>();
  const fresh: NewEpisode[] = [];
  for (const item of document.items) {
    const episode = episodeIdFrom(sha256(`${feed}\n${item.key}`));
    if (listed.has(episode)) continue;
    listed.add(episode);
    if (!isKnown(episode)) fresh.push({ episode, item });
  }
  return { fresh, listed };
}
