import { err, ok, type Result } from '../result.ts';
import type { Medium } from './enclosure.ts';
import { FEED_LIMITS, type FeedDocument, type FeedItem, type FeedLimits } from './feed-document.ts';
import type { FeedProblem, FeedProblemKind } from './feed-problem.ts';
import { ITEM_TEXTS, ItemDraft } from './item-draft.ts';
import { enclosureKey } from './tracking.ts';
import { httpUrl } from './url.ts';
import type { XmlEvent } from './xml-event.ts';

export interface FeedReaderOptions {
  /** Where the document came from after redirects: relative URLs are resolved against it. */
  readonly feedUrl: string;
  /** Epoch milliseconds: dates far after it are not believed. */
  readonly nowMs: number;
  /** What counts as an episode; audio alone unless told. */
  readonly media?: readonly Medium[];
  readonly limits?: FeedLimits;
}

const ROOTS: ReadonlySet<string> = new Set(['rss', 'rdf:rdf', 'atom:feed', 'feed']);
const HTML_ROOTS: ReadonlySet<string> = new Set(['html', 'head', 'body', 'meta', 'div', 'script']);
const ITEMS: ReadonlySet<string> = new Set(['item', 'atom:entry', 'entry']);
const FEEDS: ReadonlySet<string> = new Set(['channel', 'atom:feed', 'feed']);
const FEED_TEXTS: ReadonlySet<string> = new Set(['title', 'atom:title', 'itunes:new-feed-url']);
const LINKS: ReadonlySet<string> = new Set(['link', 'atom:link']);
/** Their enclosures and links are not the item's own. */
const FOREIGN: ReadonlySet<string> = new Set([
  'atom:source',
  'source',
  'podcast:alternateenclosure',
]);

type Capture = { readonly name: string; readonly depth: number; text: string };

/**
 * Folds the events of one RSS or Atom document into a FeedDocument.
 * `before root` → `reading` on a known root, or `refused` on any other; `end` is called once, after the last event.
 * Never true: an item in the result twice by key and audio URL, or one whose key was cut off by the end of the document.
 */
export class FeedReader {
  private readonly options: FeedReaderOptions;
  private readonly limits: FeedLimits;
  private refusal: string | null = null;
  private readonly path: string[] = [];
  private depth = 0;
  private item: ItemDraft | null = null;
  private itemDepth = 0;
  private capture: Capture | null = null;
  private readonly feedTexts = new Map<string, string>();
  private readonly links = new Map<string, string>();
  private readonly byKey = new Map<string, FeedItem>();
  private rootSeen = false;
  private itemsSeen = 0;
  private readonly losses = { withoutAudio: 0, repeated: 0, overMax: 0, longGuid: 0, truncated: 0 };

  constructor(options: FeedReaderOptions) {
    this.options = options;
    this.limits = options.limits ?? FEED_LIMITS;
  }

  /** True when the root is of no feed: further events change nothing. */
  get isRefused(): boolean {
    return this.refusal !== null;
  }

  read(event: XmlEvent): void {
    if (this.isRefused) return;
    switch (event.kind) {
      case 'open':
        this.open(event.name, event.attributes);
        return;
      case 'text':
        this.addText(event.text);
        return;
      case 'close':
        this.close();
        return;
    }
  }

  /** What could be read, also when the document broke off; an error, one sentence, when it is no feed at all. */
  end(): Result<FeedDocument, string> {
    if (this.refusal !== null) return err(this.refusal);
    if (!this.rootSeen) return err('it holds no XML, so it is not a feed');
    if (this.item !== null) this.endTruncatedItem(this.item);
    const selfUrl = this.link('self');
    const nextPageUrl = this.link('next');
    return ok({
      title: this.feedTexts.get('title') ?? this.feedTexts.get('atom:title') ?? '',
      items: [...this.byKey.values()],
      itemsSeen: this.itemsSeen,
      problems: this.problems(),
      nextPageUrl: nextPageUrl === this.options.feedUrl ? null : nextPageUrl,
      selfUrl,
      newFeedUrl: this.resolve(this.feedTexts.get('itunes:new-feed-url')),
      isPartial: this.losses.overMax > 0 || this.losses.truncated > 0,
    });
  }

  private open(name: string, attributes: ReadonlyMap<string, string>): void {
    if (!this.rootSeen) {
      this.rootSeen = true;
      this.refusal = refusalOf(name);
    }
    this.depth++;
    if (this.depth > this.limits.depthMax) return;
    const parent = this.path.at(-1) ?? '';
    this.path.push(name);
    if (this.item === null) this.openInFeed(name, parent, attributes);
    else this.openInItem(this.item, name, attributes);
  }

  private openInFeed(name: string, parent: string, attributes: ReadonlyMap<string, string>): void {
    if (ITEMS.has(name) && (FEEDS.has(parent) || ROOTS.has(parent))) {
      this.item = new ItemDraft();
      this.itemDepth = this.depth;
      this.itemsSeen++;
      this.capture = null;
      return;
    }
    if (!FEEDS.has(parent)) return;
    if (FEED_TEXTS.has(name)) this.startCapture(name);
    const rel = attributes.get('rel')?.trim().toLowerCase() ?? '';
    const href = attributes.get('href');
    if (LINKS.has(name) && href !== undefined && !this.links.has(rel)) this.links.set(rel, href);
  }

  private openInItem(item: ItemDraft, name: string, attributes: ReadonlyMap<string, string>): void {
    const inside = this.path.slice(this.itemDepth, -1);
    if (inside.some((ancestor) => FOREIGN.has(ancestor))) return;
    const isChild = this.depth === this.itemDepth + 1;
    if (isChild && ITEM_TEXTS.has(name)) this.startCapture(name);
    const attribute = (key: string) => attributes.get(key) ?? '';
    const isEnclosureLink =
      LINKS.has(name) && attribute('rel').trim().toLowerCase() === 'enclosure';
    if (name === 'enclosure' || isEnclosureLink || name === 'media:content') {
      item.addClaim({
        source: name === 'media:content' ? 'media' : 'enclosure',
        url: isEnclosureLink ? attribute('href') : attribute('url'),
        type: attribute('type'),
        medium: attribute('medium'),
        length: attribute('length') || attribute('filesize'),
      });
    }
  }

  private startCapture(name: string): void {
    this.capture = { name, depth: this.depth, text: '' };
  }

  private addText(text: string): void {
    const capture = this.capture;
    if (capture === null || capture.text.length > this.limits.textLengthMax) return;
    // One more than the limit, so that `finishCapture` sees that it was passed.
    capture.text += text.slice(0, this.limits.textLengthMax + 1 - capture.text.length);
  }

  private close(): void {
    if (this.depth === 0) return;
    if (this.capture !== null && this.depth === this.capture.depth)
      this.finishCapture(this.capture);
    if (this.item !== null && this.depth === this.itemDepth) this.finishItem(this.item);
    if (this.depth <= this.limits.depthMax) this.path.pop();
    this.depth--;
  }

  private finishCapture(capture: Capture): void {
    this.capture = null;
    const isLong = capture.text.length > this.limits.textLengthMax;
    const text = cleanText(capture.text.slice(0, this.limits.textLengthMax));
    if (this.item === null) {
      if (text !== '' && !this.feedTexts.has(capture.name)) this.feedTexts.set(capture.name, text);
    } else if (isLong && isIdentity(capture.name)) {
      // Cut, it could be equal to another one.
      this.losses.longGuid++;
    } else {
      this.item.addText(capture.name, text);
    }
  }

  private finishItem(draft: ItemDraft): void {
    this.item = null;
    this.capture = null;
    const item = draft.finish(
      this.options.feedUrl,
      this.options.nowMs,
      this.options.media ?? ['audio'],
    );
    if (item === null) {
      this.losses.withoutAudio++;
      return;
    }
    const first = this.byKey.get(item.key);
    // One GUID on two episodes is a slip of the publisher: the ledger keeps them apart.
    const isSlip = first !== undefined && isOtherEpisode(first, item);
    const key = isSlip ? `${item.key}\n${enclosureKey(item.enclosureUrl)}` : item.key;
    const earlier = this.byKey.get(key);
    if (earlier !== undefined) {
      this.losses.repeated++;
      this.byKey.set(key, merge(earlier, item));
    } else if (this.byKey.size < this.limits.itemsMax) {
      this.byKey.set(key, item);
    } else {
      this.losses.overMax++;
    }
  }

  /** Without its GUID the item would get the key of its URL, and be a second episode once the feed is whole again. */
  private endTruncatedItem(draft: ItemDraft): void {
    this.losses.truncated++;
    if (draft.hasGuid()) this.finishItem(draft);
  }

  private link(rel: string): string | null {
    return this.resolve(this.links.get(rel));
  }

  private resolve(text: string | undefined): string | null {
    return text === undefined ? null : (httpUrl(text, this.options.feedUrl)?.href ?? null);
  }

  private problems(): FeedProblem[] {
    const { withoutAudio, repeated, overMax, longGuid, truncated } = this.losses;
    const told: readonly (readonly [FeedProblemKind, number, string])[] = [
      ['left_out', withoutAudio, 'without audio passed over'],
      ['repaired', repeated, 'with the key of an earlier one merged into it'],
      ['left_out', overMax, `beyond the limit of ${this.limits.itemsMax} left out`],
      [
        'lost',
        longGuid,
        `with a GUID longer than ${this.limits.textLengthMax} characters, read without it`,
      ],
      ['lost', truncated, 'cut off by the end of the document'],
    ];
    return told
      .filter(([, count]) => count > 0)
      .map(([kind, count, what]) => {
        const message = `${count} ${count === 1 ? 'item' : 'items'} ${what}`;
        return { kind, message, count, place: null };
      });
  }
}

function refusalOf(root: string): string | null {
  if (ROOTS.has(root)) return null;
  if (HTML_ROOTS.has(root) || root === 'other:html') return 'it is an HTML page, not a feed';
  if (root === 'opml') return 'it is an OPML list of feeds, not a feed: import it instead';
  return `its root element is <${root.slice(0, 40)}>; a feed begins with <rss> or <feed>`;
}

function isIdentity(name: string): boolean {
  return name === 'guid' || name === 'atom:id' || name === 'id';
}

/** White space folded, control characters dropped. */
function cleanText(text: string): string {
  return text
    .replace(/\s+/g, ' ')
    .replace(/\p{Cc}/gu, '')
    .trim();
}

/** What both listings say, and not alike: a file of its own, and a title, a date or a length of its own. */
function isOtherEpisode(a: FeedItem, b: FeedItem): boolean {
  if (enclosureKey(a.enclosureUrl) === enclosureKey(b.enclosureUrl)) return false;
  const isOther = <T>(one: T | null, two: T | null) => one !== null && two !== null && one !== two;
  return (
    isOther(a.title || null, b.title || null) ||
    isOther(a.publishedMs, b.publishedMs) ||
    isOther(a.durationSecondsEstimate, b.durationSecondsEstimate)
  );
}

/** The earlier listing counts; the later one fills what it leaves open. */
function merge(earlier: FeedItem, later: FeedItem): FeedItem {
  return {
    ...earlier,
    title: earlier.title === '' ? later.title : earlier.title,
    publishedMs: earlier.publishedMs ?? later.publishedMs,
    lengthBytes: earlier.lengthBytes ?? later.lengthBytes,
    durationSecondsEstimate: earlier.durationSecondsEstimate ?? later.durationSecondsEstimate,
    season: earlier.season ?? later.season,
    episodeNumber: earlier.episodeNumber ?? later.episodeNumber,
  };
}
