import type { FeedDocument } from './feed-document.ts';
import { truth } from './item-draft.ts';
import { httpUrl } from './url.ts';
import type { XmlAttributes } from './xml-event.ts';

const TITLES = ['title', 'atom:title', 'itunes:title', 'dc:title'];
const NEW_FEED_URL = 'itunes:new-feed-url';
const BLOCK = 'itunes:block';
const COMPLETE = 'itunes:complete';
const MEDIUM = 'podcast:medium';
const PODCAST_GUID = 'podcast:guid';
const TTL = 'ttl';

/** Elements of a feed whose text is kept. */
export const FEED_TEXTS: ReadonlySet<string> = new Set([
  ...TITLES,
  NEW_FEED_URL,
  BLOCK,
  COMPLETE,
  MEDIUM,
  PODCAST_GUID,
  TTL,
]);

type FeedFacts = Omit<
  FeedDocument,
  'items' | 'itemsSeen' | 'problems' | 'pages' | 'isPartial' | 'breaksOff'
>;

/** What a feed says of itself, while it is read. */
export class FeedDraft {
  private readonly texts = new Map<string, string>();
  private readonly links = new Map<string, string>();
  private isComplete = false;

  /** The first text of a name that is not empty counts. */
  addText(name: string, text: string): void {
    if (text !== '' && !this.texts.has(name)) this.texts.set(name, text);
  }

  /** The first link of a relation counts; some write several relations into one. */
  addLink(attributes: XmlAttributes, baseUrl: string): void {
    const href = attributes.get('href');
    const url = href === undefined ? null : httpUrl(href, baseUrl);
    if (url === null) return;
    for (const rel of (attributes.get('rel') ?? '').trim().toLowerCase().split(/\s+/).slice(0, 4)) {
      if (!this.links.has(rel)) this.links.set(rel, url.href);
    }
  }

  setUpdateFrequency(attributes: XmlAttributes): void {
    if (truth(attributes.get('complete')?.trim()) === true) this.isComplete = true;
  }

  /** `feedUrl`: where it was read; a next page that is the page itself is none. */
  finish(feedUrl: string): FeedFacts {
    const { texts } = this;
    const title = TITLES.map((name) => texts.get(name)).find((text) => text !== undefined);
    // RFC 5005 has two ways to go on: pages, and an archive.
    const next = this.links.get('next') ?? this.links.get('prev-archive') ?? null;
    const ttlMinutes = minutes(texts.get(TTL));
    const medium = texts.get(MEDIUM)?.toLowerCase().slice(0, 50);
    const podcastGuid = texts.get(PODCAST_GUID)?.slice(0, 100);
    const isComplete = this.isComplete || truth(texts.get(COMPLETE)) === true;
    return {
      title: title ?? '',
      nextPageUrl: next === feedUrl ? null : next,
      selfUrl: this.links.get('self') ?? null,
      newFeedUrl: httpUrl(texts.get(NEW_FEED_URL) ?? '', feedUrl)?.href ?? null,
      ...(medium !== undefined && { medium }),
      ...(podcastGuid !== undefined && { podcastGuid }),
      ...(truth(texts.get(BLOCK)) === true && { isBlocked: true }),
      ...(isComplete && { isComplete }),
      ...(ttlMinutes !== null && { ttlMinutes }),
    };
  }
}

function minutes(text = ''): number | null {
  return /^\d{1,7}$/.test(text) && Number(text) > 0 ? Number(text) : null;
}
