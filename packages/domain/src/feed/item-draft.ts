import { parseFeedDate } from './date.ts';
import { parseDurationSeconds } from './duration.ts';
import { chooseEnclosure, type EnclosureClaim, type Medium } from './enclosure.ts';
import type { EpisodeType, FeedItem } from './feed-document.ts';
import { enclosureKey } from './tracking.ts';

/** Texts of an item by the name of their element; the order is the order of belief. */
const TITLES = ['title', 'atom:title', 'itunes:title', 'media:title'];
const GUIDS = ['guid', 'atom:id', 'id'];
const DATES = ['pubdate', 'atom:published', 'dc:date', 'published', 'atom:updated', 'updated'];
const DURATIONS = ['itunes:duration', 'duration'];
const SEASONS = ['itunes:season', 'podcast:season'];
const NUMBERS = ['itunes:episode', 'podcast:episode'];
const TYPES = ['itunes:episodetype'];

/** Elements of an item whose text is kept. */
export const ITEM_TEXTS: ReadonlySet<string> = new Set(
  [TITLES, GUIDS, DATES, DURATIONS, SEASONS, NUMBERS, TYPES].flat(),
);

/** Files that one item may offer. */
const CLAIMS_MAX = 50;

/** An item while it is read. */
export class ItemDraft {
  private readonly texts = new Map<string, string>();
  private readonly claims: EnclosureClaim[] = [];

  /** The first text of a name that is not empty counts: feeds give elements twice, and empty ones. */
  addText(name: string, text: string): void {
    if (text !== '' && !this.texts.has(name)) this.texts.set(name, text);
  }

  addClaim(claim: EnclosureClaim): void {
    if (this.claims.length < CLAIMS_MAX) this.claims.push(claim);
  }

  hasGuid(): boolean {
    return this.first(GUIDS) !== null;
  }

  /** Null when nothing of it can be listened to. */
  finish(baseUrl: string, nowMs: number, media: readonly Medium[]): FeedItem | null {
    const enclosure = chooseEnclosure(this.claims, baseUrl, media);
    if (enclosure === null) return null;
    const guid = this.first(GUIDS);
    return {
      key: guid ?? enclosureKey(enclosure.url),
      guid,
      title: this.first(TITLES) ?? '',
      publishedMs: this.publishedMs(nowMs),
      enclosureUrl: enclosure.url,
      enclosureType: enclosure.type,
      lengthBytes: enclosure.lengthBytes,
      durationSecondsEstimate: parseDurationSeconds(this.first(DURATIONS) ?? ''),
      season: wholeNumber(this.first(SEASONS)),
      episodeNumber: wholeNumber(this.first(NUMBERS)),
      episodeType: episodeType(this.first(TYPES)),
    };
  }

  private first(names: readonly string[]): string | null {
    for (const name of names) {
      const text = this.texts.get(name);
      if (text !== undefined) return text;
    }
    return null;
  }

  /** The first date that can be read, not the first that is there. */
  private publishedMs(nowMs: number): number | null {
    for (const name of DATES) {
      const ms = parseFeedDate(this.texts.get(name) ?? '', nowMs);
      if (ms !== null) return ms;
    }
    return null;
  }
}

function wholeNumber(text: string | null): number | null {
  return text !== null && /^\d{1,6}$/.test(text) ? Number(text) : null;
}

function episodeType(text: string | null): EpisodeType {
  const type = text?.toLowerCase();
  return type === 'trailer' || type === 'bonus' ? type : 'full';
}
