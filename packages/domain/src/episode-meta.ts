import type { EpisodeType, FeedItem, ItemExtras } from './feed/feed-document.ts';
import type { EpisodeFacts } from './protocol.ts';

/** What is known of an episode beside its state; not tailed, read when asked. */
export interface EpisodeMeta extends EpisodeFacts, ItemExtras {
  /** The first key seen: GUID, else the enclosure's URL without tracking. */
  readonly key: string;
  /** With its secrets; never shown, and never the identity. */
  readonly url: string;
  readonly durationSecondsEstimate: number | null;
  readonly season?: number | undefined;
  readonly episodeNumber?: number | undefined;
  /** As the feed claims. */
  readonly lengthBytes?: number | undefined;
  /** Keys that it was listed by later, oldest first. */
  readonly aliases?: readonly string[] | undefined;
  /** Its URL is another at each reading: this one may have expired. */
  readonly isUrlRestless?: boolean | undefined;
  /** Absent for a full episode. */
  readonly episodeType?: Exclude<EpisodeType, 'full'> | undefined;
}

/** What is kept of an item. */
export function episodeMetaOf(feedTitle: string, item: FeedItem): EpisodeMeta {
  return {
    key: item.key,
    url: item.enclosureUrl,
    feedTitle,
    title: item.title,
    guid: item.guid,
    publishedMs: item.publishedMs,
    durationSecondsEstimate: item.durationSecondsEstimate,
    lengthBytes: item.lengthBytes ?? undefined,
    season: item.season ?? undefined,
    episodeNumber: item.episodeNumber ?? undefined,
    episodeType: item.episodeType === 'full' ? undefined : item.episodeType,
    transcripts: item.transcripts,
    persons: item.persons,
    chaptersUrl: item.chaptersUrl,
    link: item.link,
    isExplicit: item.isExplicit,
    isBlocked: item.isBlocked,
  };
}
