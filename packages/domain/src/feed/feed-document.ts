import type { FeedPacing } from './feed-pacing.ts';

export type EpisodeType = 'full' | 'trailer' | 'bonus';

/** One episode as a feed lists it. It is its key, never its title: two items with one title are two episodes. */
export interface FeedItem {
  /** The GUID; without one, the enclosure's URL stripped of what trackers add. */
  readonly key: string;
  readonly guid: string | null;
  /** Empty when the feed gives none. */
  readonly title: string;
  readonly publishedMs: number | null;
  /** Absolute, http or https. It may be signed and expire: read the feed again before a late download. */
  readonly enclosureUrl: string;
  readonly enclosureType: string | null;
  /** As the feed claims. */
  readonly lengthBytes: number | null;
  /** As the feed claims. */
  readonly durationSecondsEstimate: number | null;
  readonly season: number | null;
  readonly episodeNumber: number | null;
  readonly episodeType: EpisodeType;
}

/** What could be read of one document. */
export interface FeedDocument {
  /** Empty when the feed gives none. */
  readonly title: string;
  /** Episodes in the feed's order, each key once. */
  readonly items: readonly FeedItem[];
  /** Items and entries of any kind: more than `items` when some carry no audio. */
  readonly itemsSeen: number;
  /** What was lost or mended, a sentence each. */
  readonly problems: readonly string[];
  /** RFC 5005: the next page; null on the last. */
  readonly nextPageUrl: string | null;
  readonly selfUrl: string | null;
  /** `itunes:new-feed-url`, where the feed says that it moved to. */
  readonly newFeedUrl: string | null;
  /** What it asks of those who poll it; null or absent when it says nothing. */
  readonly pacing?: FeedPacing | null;
}

export interface FeedLimits {
  /** Episodes of one document; what follows is left out, and said. */
  readonly itemsMax: number;
  /** Characters of one text; longer titles are cut, longer GUIDs count as absent. */
  readonly textLengthMax: number;
  /** Nested elements; what lies deeper is not looked at. */
  readonly depthMax: number;
}

export const FEED_LIMITS: FeedLimits = { itemsMax: 20_000, textLengthMax: 4096, depthMax: 100 };
