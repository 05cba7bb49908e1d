import type { FeedProblem } from './feed-problem.ts';

export type EpisodeType = 'full' | 'trailer' | 'bonus';

/** `podcast:transcript`: one that the publisher offers. */
export interface OfferedTranscript {
  /** Absolute, http or https; it may hold a secret. */
  readonly url: string;
  /** A media type in lower case; null when the feed gives none. */
  readonly type: string | null;
  readonly language: string | null;
}

/** `podcast:person`. */
export interface FeedPerson {
  readonly name: string;
  /** In lower case; `host` where the feed gives none, as the namespace says. */
  readonly role: string;
}

/** What an item says beside the episode itself; absent where it says nothing. */
export interface ItemExtras {
  readonly transcripts?: readonly OfferedTranscript[] | undefined;
  readonly persons?: readonly FeedPerson[] | undefined;
  /** `podcast:chapters`: JSON, absolute. */
  readonly chaptersUrl?: string | undefined;
  /** A page about it, absolute; it may hold what is secret. */
  readonly link?: string | undefined;
  readonly isExplicit?: boolean | undefined;
  /** `itunes:block`: directories are asked not to list it. It is an episode all the same. */
  readonly isBlocked?: boolean | undefined;
}

/** One episode as a feed lists it. It is its key, never its title: two items with one title are two episodes. */
export interface FeedItem extends ItemExtras {
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
  /** Episodes in the feed's order, each key once, but where one GUID stands on different files. */
  readonly items: readonly FeedItem[];
  /** Items and entries of any kind: more than `items` when some carry no audio. */
  readonly itemsSeen: number;
  /** Pages that it was put together from; one unless told. */
  readonly pages?: number | undefined;
  /** What was lost, left out or mended, the worst first. */
  readonly problems: readonly FeedProblem[];
  /** RFC 5005: the next page; null on the last. */
  readonly nextPageUrl: string | null;
  readonly selfUrl: string | null;
  /** `itunes:new-feed-url`, where the feed says that it moved to. */
  readonly newFeedUrl: string | null;
  /**
   * True when the feed is known to list more than `items`: it broke off, had too many, or a page of it could not be
   * read. What such a document does not list has not vanished.
   */
  readonly isPartial?: boolean | undefined;
  /** It is partial for this alone: it came whole, and lacks its end. */
  readonly breaksOff?: boolean | undefined;
  /** `podcast:medium`, in lower case. */
  readonly medium?: string | undefined;
  /** `podcast:guid`: the podcast's own, wherever it is hosted. */
  readonly podcastGuid?: string | undefined;
  /** The feed as a whole asks directories not to list it. */
  readonly isBlocked?: boolean | undefined;
  /** It says that nothing will follow: `itunes:complete`, or `podcast:updateFrequency complete`. */
  readonly isComplete?: boolean | undefined;
  /** `ttl` of RSS. */
  readonly ttlMinutes?: number | undefined;
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
