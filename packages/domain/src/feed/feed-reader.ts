import { err, ok, type Result } from '../result.ts';
import type { Medium } from './enclosure.ts';
import { FEED_LIMITS, type FeedDocument, type FeedItem, type FeedLimits } from './feed-document.ts';
import { FEED_TEXTS, FeedDraft } from './feed-draft.ts';
import { FeedLosses } from './feed-losses.ts';
import type { FeedProblem } from './feed-problem.ts';
import { cleanText, hasControls, plainTitle } from './feed-text.ts';
import { ITEM_TEXTS, ItemDraft } from './item-draft.ts';
import { mergeItems, mergeKey } from './item-merge.ts';
import { httpUrl } from './url.ts';
import type { XmlAttributes, XmlEvent } from './xml-event.ts';

export interface FeedReaderOptions {
  /** Where the document came from after redirects: relative URLs are resolved against it. */
  readonly feedUrl: string;
  /** Epoch milliseconds: dates far after it are not believed. */
  readonly nowMs: number;
  /** What counts as an episode; audio alone unless told. */
  readonly media?: readonly Medium[];
  readonly limits?: FeedLimits;
}

const ROOTS: ReadonlySet<string> = new Set(['rss', 'rdf:rdf', 'atom:feed', 'feed', 'channel']);
const HTML_ROOTS: ReadonlySet<string> = new Set(['html', 'head', 'body', 'meta', 'div', 'script']);
const ITEMS: ReadonlySet<string> = new Set(['item', 'atom:entry', 'entry']);
const FEEDS: ReadonlySet<string> = new Set(['channel', 'atom:feed', 'feed']);
const LINKS: ReadonlySet<string> = new Set(['link', 'atom:link']);
const PERSON = 'podcast:person';
const LIVE_ITEM = 'podcast:liveitem';
/** What lies in them is not the item's own, nor the feed's. */
const FOREIGN: ReadonlySet<string> = new Set([
  'atom:source',
  'source',
  'podcast:alternateenclosure',
  LIVE_ITEM,
]);

interface Capture {
  readonly name: string;
  readonly depth: number;
  /** `type` of an Atom text, `role` of a person. */
  readonly kind: string | undefined;
  text: string;
}

/**
 * Folds the events of one RSS or Atom document into a FeedDocument.
 * `before root` → `reading` on a known root, or `refused` on any other; `end` is called once, after the last event.
 * Never true: an item in the result twice by key and audio URL, or one whose key was cut off by the end of the document.
 */
export class FeedReader {
  private readonly options: FeedReaderOptions;
  private readonly limits: FeedLimits;
  private readonly media: readonly Medium[];
  private readonly feed = new FeedDraft();
  private readonly losses = new FeedLosses();
  private readonly byKey = new Map<string, FeedItem>();
  private refusal: string | null = null;
  private rootSeen = false;
  private itemsSeen = 0;
  private readonly path: string[] = [];
  /** `xml:base` of the open elements that have one, the outermost first. */
  private readonly bases: { readonly depth: number; readonly url: string }[] = [];
  private depth = 0;
  private item: ItemDraft | null = null;
  private itemDepth = 0;
  /** Where the item's own elements lie: deeper than at first, once one of them has lost its end. */
  private childDepth = 0;
  /** Of the outermost open element that is foreign; 0 for none. */
  private foreignDepth = 0;
  private capture: Capture | null = null;

  constructor(options: FeedReaderOptions) {
    this.options = options;
    this.limits = options.limits ?? FEED_LIMITS;
    this.media = options.media ?? ['audio'];
  }

  /** True when the root is of no feed: further events change nothing. */
  get isRefused(): boolean {
    return this.refusal !== null;
  }

  get wantsText(): boolean {
    return this.capture !== null;
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
    return ok({
      ...this.feed.finish(this.options.feedUrl),
      items: [...this.byKey.values()],
      itemsSeen: this.itemsSeen,
      problems: [...this.breakOff(), ...this.losses.problems(this.limits)],
      isPartial: this.depth > 0 || this.losses.has('overMax'),
      ...(this.depth > 0 && !this.losses.has('overMax') && { breaksOff: true }),
    });
  }

  private breakOff(): FeedProblem[] {
    if (this.depth === 0 || this.losses.has('truncated')) return [];
    const message = 'the document breaks off before its end';
    const place = this.itemsSeen === 0 ? null : `after item ${this.itemsSeen}`;
    return [{ kind: 'lost', message, count: 1, place }];
  }

  private open(name: string, attributes: XmlAttributes): void {
    if (!this.rootSeen) {
      this.rootSeen = true;
      this.refusal = refusalOf(name);
    }
    this.depth++;
    if (this.depth > this.limits.depthMax) return;
    const parent = this.path.at(-1) ?? '';
    this.path.push(name);
    if (this.foreignDepth > 0) return;
    this.meetBase(attributes);
    if (ITEMS.has(name) && this.depth > 1) this.startItem(attributes);
    else if (FOREIGN.has(name)) this.meetForeign(name);
    else if (this.item !== null) this.openInItem(this.item, name, attributes);
    else if (FEEDS.has(parent)) this.openInFeed(name, attributes);
  }

  private meetBase(attributes: XmlAttributes): void {
    const base = attributes.get('xml:base');
    const url = base === undefined ? null : httpUrl(base, this.baseUrl());
    if (url !== null) this.bases.push({ depth: this.depth, url: url.href });
  }

  private baseUrl(): string {
    return this.bases.at(-1)?.url ?? this.options.feedUrl;
  }

  private meetForeign(name: string): void {
    this.foreignDepth = this.depth;
    if (name === LIVE_ITEM && this.item === null) this.losses.add('live', this.itemsSeen + 1);
  }

  private startItem(attributes: XmlAttributes): void {
    if (this.item !== null) this.finishItem(this.item);
    this.itemsSeen++;
    this.item = new ItemDraft(this.itemsSeen);
    this.item.addText('rdf:about', cleanText(attributes.get('rdf:about') ?? ''));
    this.itemDepth = this.depth;
    this.childDepth = this.depth + 1;
    this.capture = null;
  }

  private openInFeed(name: string, attributes: XmlAttributes): void {
    if (FEED_TEXTS.has(name)) this.startCapture(name, attributes.get('type'));
    else if (LINKS.has(name)) this.feed.addLink(attributes, this.baseUrl());
    else if (name === 'podcast:updatefrequency') this.feed.setUpdateFrequency(attributes);
  }

  private openInItem(item: ItemDraft, name: string, attributes: XmlAttributes): void {
    if (ITEM_TEXTS.has(name)) {
      if (this.isOwnElement()) this.startCapture(name, attributes.get('type'));
      return;
    }
    switch (name) {
      case 'enclosure':
      case 'media:content':
      case 'enc:enclosure':
        item.addClaim(claimOf(name, attributes, this.baseUrl()));
        return;
      case 'link':
      case 'atom:link':
        this.openLink(item, name, attributes);
        return;
      case 'podcast:transcript':
        item.addTranscript(attributes, this.baseUrl());
        return;
      case 'podcast:chapters':
        item.setChapters(attributes, this.baseUrl());
        return;
      case PERSON:
        if (this.isOwnElement()) this.startCapture(name, attributes.get('role'));
        return;
    }
  }

  /** RSS writes a page's address as text, Atom as an attribute. */
  private openLink(item: ItemDraft, name: string, attributes: XmlAttributes): void {
    const rel = attributes.get('rel')?.trim().toLowerCase() ?? 'alternate';
    const href = attributes.get('href');
    if (rel === 'enclosure') item.addClaim(claimOf(name, attributes, this.baseUrl()));
    else if (rel === 'alternate' && href !== undefined) item.setLink(href, this.baseUrl());
    else if (href === undefined && name === 'link' && this.isOwnElement())
      this.startCapture(name, undefined);
  }

  /** A text inside of another one: that has lost its end, and the two are neighbours. */
  private isOwnElement(): boolean {
    if (this.depth === this.childDepth) return true;
    if (this.capture === null) return false;
    this.finishCapture(this.capture);
    this.childDepth = this.depth;
    return true;
  }

  private startCapture(name: string, kind: string | undefined): void {
    this.capture = { name, depth: this.depth, kind, text: '' };
  }

  private addText(text: string): void {
    const capture = this.capture;
    if (capture === null || capture.text.length > this.limits.textLengthMax) return;
    // One more than the limit, so that `finishCapture` sees that it was passed.
    capture.text += text.slice(0, this.limits.textLengthMax + 1 - capture.text.length);
  }

  private close(): void {
    const { depth } = this;
    if (depth === 0) return;
    if (this.capture !== null && depth === this.capture.depth) this.finishCapture(this.capture);
    if (this.item !== null && depth === this.itemDepth) this.finishItem(this.item);
    if (depth < this.childDepth && depth > this.itemDepth) this.childDepth = depth;
    if (depth === this.foreignDepth) this.foreignDepth = 0;
    if (this.bases.at(-1)?.depth === depth) this.bases.pop();
    if (depth <= this.limits.depthMax) this.path.pop();
    this.depth--;
  }

  private finishCapture(capture: Capture): void {
    this.capture = null;
    const isLong = capture.text.length > this.limits.textLengthMax;
    const text = cleanText(capture.text.slice(0, this.limits.textLengthMax));
    const value = isTitle(capture.name) ? plainTitle(text, isMarkup(capture.kind)) : text;
    const { item } = this;
    if (item === null) {
      this.feed.addText(capture.name, value);
      return;
    }
    if (hasControls(capture.text)) this.losses.add('controls', item.ordinal);
    if (isLong) this.losses.add(isIdentity(capture.name) ? 'longGuid' : 'cutText', item.ordinal);
    if (LINKS.has(capture.name)) item.setLink(value, this.baseUrl());
    else if (capture.name === PERSON) item.addPerson(value, capture.kind);
    // Cut, it could be equal to another one.
    else if (!isLong || !isIdentity(capture.name)) item.addText(capture.name, value);
  }

  private finishItem(draft: ItemDraft): void {
    this.item = null;
    this.capture = null;
    const { nowMs } = this.options;
    const finished = draft.finish({ nowMs, media: this.media });
    switch (finished.kind) {
      case 'without_audio':
        this.losses.add('withoutAudio', draft.ordinal);
        return;
      case 'video_only':
        this.losses.add('videoOnly', draft.ordinal);
        return;
      case 'episode':
        if (finished.hasBadDate) this.losses.add('badDate', draft.ordinal);
        this.keep(finished.item, draft.ordinal);
    }
  }

  private keep(item: FeedItem, ordinal: number): void {
    const key = mergeKey(this.byKey, item);
    const earlier = this.byKey.get(key);
    if (earlier !== undefined) {
      this.losses.add('repeated', ordinal);
      this.byKey.set(key, mergeItems(earlier, item));
    } else if (this.byKey.size < this.limits.itemsMax) {
      this.byKey.set(key, item);
    } else {
      this.losses.add('overMax', ordinal);
    }
  }

  /** Without its GUID the item would get the key of its URL, and be a second episode once the feed is whole again. */
  private endTruncatedItem(draft: ItemDraft): void {
    this.losses.add('truncated', draft.ordinal);
    if (draft.hasGuid()) this.finishItem(draft);
  }
}

function claimOf(name: string, attributes: XmlAttributes, baseUrl: string) {
  const attribute = (key: string) => attributes.get(key) ?? '';
  const isLink = LINKS.has(name);
  const isRdf = name === 'enc:enclosure';
  return {
    source: name === 'media:content' ? ('media' as const) : ('enclosure' as const),
    url: isRdf
      ? attribute('rdf:resource') || attribute('enc:url')
      : attribute(isLink ? 'href' : 'url'),
    baseUrl,
    type: attribute(isRdf ? 'enc:type' : 'type'),
    medium: attribute('medium'),
    length: attribute(isRdf ? 'enc:length' : 'length') || attribute('filesize'),
  };
}

function refusalOf(root: string): string | null {
  if (ROOTS.has(root)) return null;
  if (HTML_ROOTS.has(root) || root === 'other:html' || root === 'xhtml:html')
    return 'it is an HTML page, not a feed';
  if (root === 'opml') return 'it is an OPML list of feeds, not a feed: import it instead';
  return `its root element is <${root.slice(0, 40)}>; a feed begins with <rss> or <feed>`;
}

function isIdentity(name: string): boolean {
  return name === 'guid' || name === 'atom:id' || name === 'id';
}

function isTitle(name: string): boolean {
  return name === 'title' || name.endsWith(':title');
}

function isMarkup(type: string | undefined): boolean {
  return type === 'html' || type === 'text/html';
}
