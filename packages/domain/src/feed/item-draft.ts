import { parseFeedDate } from './date.ts';
import { parseDurationSeconds } from './duration.ts';
import { chooseEnclosure, type EnclosureClaim, type Medium } from './enclosure.ts';
import type {
  EpisodeType,
  FeedItem,
  FeedPerson,
  ItemExtras,
  OfferedTranscript,
} from './feed-document.ts';
import { enclosureKey } from './tracking.ts';
import { httpUrl } from './url.ts';
import type { XmlAttributes } from './xml-event.ts';

/** Texts of an item by the name of their element; the order is the order of belief. */
const TITLES = ['title', 'atom:title', 'itunes:title', 'media:title', 'dc:title'];
const GUIDS = ['guid', 'atom:id', 'id', 'rdf:about'];
const DATES = [
  'pubdate',
  'atom:published',
  'dc:date',
  'published',
  'atom:issued',
  'dcterms:issued',
  'dcterms:created',
  'atom:updated',
  'updated',
  'atom:modified',
];
const DURATIONS = ['itunes:duration', 'duration'];
const SEASONS = ['itunes:season', 'podcast:season'];
const NUMBERS = ['itunes:episode', 'podcast:episode'];
const TYPES = ['itunes:episodetype'];
const EXPLICIT = 'itunes:explicit';
const BLOCK = 'itunes:block';

/** Elements of an item whose text is kept. */
export const ITEM_TEXTS: ReadonlySet<string> = new Set(
  [TITLES, GUIDS, DATES, DURATIONS, SEASONS, NUMBERS, TYPES, EXPLICIT, BLOCK].flat(),
);

/** Files that one item may offer, and transcripts, and people. */
const CLAIMS_MAX = 2_000;
const EXTRAS_MAX = 20;
const NAME_LENGTH_MAX = 200;

export interface ItemBasis {
  readonly nowMs: number;
  readonly media: readonly Medium[];
}

/** Why an item is no episode, or that it is one; `hasBadDate`: it gives a date that says nothing. */
export type FinishedItem =
  | { readonly kind: 'episode'; readonly item: FeedItem; readonly hasBadDate: boolean }
  | { readonly kind: 'video_only' }
  | { readonly kind: 'without_audio' };

/** An item while it is read. */
export class ItemDraft {
  /** Which one of the document, from 1. */
  readonly ordinal: number;
  private readonly texts = new Map<string, string>();
  private readonly claims: EnclosureClaim[] = [];
  private readonly transcripts: OfferedTranscript[] = [];
  private readonly persons: FeedPerson[] = [];
  private chaptersUrl: string | null = null;
  private link: string | null = null;

  constructor(ordinal: number) {
    this.ordinal = ordinal;
  }

  /** The first text of a name that is not empty counts: feeds give elements twice, and empty ones. */
  addText(name: string, text: string): void {
    if (text !== '' && !this.texts.has(name)) this.texts.set(name, text);
  }

  addClaim(claim: EnclosureClaim): void {
    if (this.claims.length < CLAIMS_MAX) this.claims.push(claim);
  }

  addTranscript(attributes: XmlAttributes, baseUrl: string): void {
    const url = httpUrl(attributes.get('url') ?? '', baseUrl);
    if (url === null || this.transcripts.length >= EXTRAS_MAX) return;
    const type = word(attributes.get('type'));
    this.transcripts.push({ url: url.href, type, language: word(attributes.get('language')) });
  }

  setChapters(attributes: XmlAttributes, baseUrl: string): void {
    this.chaptersUrl ??= httpUrl(attributes.get('url') ?? '', baseUrl)?.href ?? null;
  }

  /** The first one that is a web address counts. */
  setLink(url: string, baseUrl: string): void {
    this.link ??= httpUrl(url, baseUrl)?.href ?? null;
  }

  addPerson(name: string, role: string | undefined): void {
    if (name === '' || this.persons.length >= EXTRAS_MAX) return;
    this.persons.push({ name: name.slice(0, NAME_LENGTH_MAX), role: word(role) ?? 'host' });
  }

  hasGuid(): boolean {
    return this.first(GUIDS) !== null;
  }

  finish(basis: ItemBasis): FinishedItem {
    const enclosure = chooseEnclosure(this.claims, basis.media);
    if (enclosure === null) {
      const any = chooseEnclosure(this.claims, ['audio', 'video']);
      return { kind: any === null ? 'without_audio' : 'video_only' };
    }
    const guid = this.first(GUIDS);
    const publishedMs = this.publishedMs(basis.nowMs);
    const item = {
      key: guid ?? enclosureKey(enclosure.url),
      guid,
      title: this.first(TITLES) ?? '',
      publishedMs,
      enclosureUrl: enclosure.url,
      enclosureType: enclosure.type,
      lengthBytes: enclosure.lengthBytes,
      durationSecondsEstimate: parseDurationSeconds(this.first(DURATIONS) ?? ''),
      season: wholeNumber(this.first(SEASONS)),
      episodeNumber: wholeNumber(this.first(NUMBERS)),
      episodeType: episodeType(this.first(TYPES)),
      ...this.extras(),
    };
    const hasBadDate = publishedMs === null && this.first(DATES) !== null;
    return { kind: 'episode', item, hasBadDate };
  }

  /** Only what the item says: thousands of items travel between threads. */
  private extras(): ItemExtras {
    const isExplicit = truth(this.texts.get(EXPLICIT));
    const isBlocked = truth(this.texts.get(BLOCK)) === true;
    return {
      ...(this.transcripts.length > 0 && { transcripts: this.transcripts }),
      ...(this.persons.length > 0 && { persons: this.persons }),
      ...(this.chaptersUrl !== null && { chaptersUrl: this.chaptersUrl }),
      ...(this.link !== null && { link: this.link }),
      ...(isExplicit !== undefined && { isExplicit }),
      ...(isBlocked && { isBlocked }),
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
      const text = this.texts.get(name);
      const ms = text === undefined ? null : parseFeedDate(text, nowMs);
      if (ms !== null) return ms;
    }
    return null;
  }
}

/** What `itunes:explicit`, `itunes:block` and their like say; undefined for nothing that is known. */
export function truth(text: string | undefined): boolean | undefined {
  switch (text?.toLowerCase()) {
    case 'yes':
    case 'true':
    case 'explicit':
      return true;
    case 'no':
    case 'false':
    case 'clean':
      return false;
    default:
      return undefined;
  }
}

/** `2`, `02`, and `S2` of feeds that write what they mean. */
function wholeNumber(text: string | null): number | null {
  const match = /^(?:[a-z]{1,10}\s?)?(\d{1,6})(?:\.0+)?$/i.exec(text ?? '');
  return match === null ? null : Number(match[1]);
}

function episodeType(text: string | null): EpisodeType {
  const type = text?.toLowerCase();
  return type === 'trailer' || type === 'bonus' ? type : 'full';
}

/** A media type, a language or a role. */
function word(text: string | undefined): string | null {
  const cleaned = (text?.split(';')[0] ?? '').trim().toLowerCase();
  return cleaned === '' || cleaned.length > 100 ? null : cleaned;
}
