import type { FeedProblem } from './feed-problem.ts';
import { attributesOf, declaredNamespaces } from './xml-attributes.ts';
import { XmlDamages } from './xml-damage.ts';
import { qualifiedName, type XmlEvent } from './xml-event.ts';
import { decodeReferences } from './xml-reference.ts';
import { XmlScope } from './xml-scope.ts';
import { Seeker } from './xml-seeker.ts';
import { type ScannedTag, TagScanner } from './xml-tag.ts';

interface ItemName {
  readonly raw: string;
  readonly name: string;
  readonly starts: Seeker;
  readonly ends: Seeker;
}

/** Who is told what a document holds. */
export interface XmlSink {
  /** True when it wants no more. */
  readonly isRefused: boolean;
  /** Whether text is of use to it where the scanner is: most of a feed's is not, and is not decoded then. */
  readonly wantsText: boolean;
  read(event: XmlEvent): void;
}

/** Elements within each other that are told; deeper ones are passed over, with what they hold. */
export const XML_DEPTH_MAX = 100;
/** Of one piece of text or attribute, what is told: no reader wants more. */
const TEXT_LENGTH_MAX = 65_536;
/** Names of elements beyond the depth that are remembered, to know their end tags. */
const OVER_NAMES_MAX = 100;
/** How far the end of an element is looked for whose CDATA section has none. */
const OWN_END_LENGTH_MAX = 65_536;

const CLOSE: XmlEvent = { kind: 'close' };
const GREATER = 0x3e;
const CDATA = '<![CDATA[';

/**
 * Goes once through a document, and through damage as well: whatever a feed's host or a careless generator wrote, each
 * character is looked at a fixed number of times, no entity is expanded, and what cannot be understood is counted and
 * passed over. Where something has lost its end, the end of its element or of the item takes its place, so that an
 * item never swallows the next one.
 */
export class XmlScanner {
  private readonly text: string;
  private readonly sink: XmlSink;
  private readonly damages = new XmlDamages();
  private readonly tags: TagScanner;
  private readonly cdataEnds: Seeker;
  private readonly commentEnds: Seeker;
  private at = 0;
  /** Of the open elements, the outermost first; in lower case, and as they are written. */
  private readonly names: string[] = [];
  private readonly rawNames: string[] = [];
  private readonly scopes: XmlScope[] = [];
  private overDepth = 0;
  /** How many of a name are open beyond the depth. */
  private readonly overNames = new Map<string, number>();
  private hasBegun = false;
  /** Of the item that is open, or was last: its name, and where its tags are. */
  private item: ItemName | null = null;
  private readonly onUnknownReference = () => this.damages.add('unknownReference', this.at);

  constructor(text: string, sink: XmlSink) {
    this.text = text;
    this.sink = sink;
    this.tags = new TagScanner(text, this.damages);
    this.cdataEnds = new Seeker(text, ']]>');
    this.commentEnds = new Seeker(text, '-->');
  }

  /** To the end, or until the sink wants no more. What is still open at the end gets no close. */
  run(): readonly FeedProblem[] {
    const { text, sink } = this;
    while (this.at < text.length && !sink.isRefused) {
      const less = text.indexOf('<', this.at);
      const end = less < 0 ? text.length : less;
      if (end > this.at) this.tell(this.at, end, true);
      this.at = end;
      if (less >= 0) this.markup(less);
    }
    return this.damages.problems(text);
  }

  private tell(from: number, end: number, isEscaped: boolean): void {
    if (!this.sink.wantsText || this.overDepth > 0) return;
    const text = this.text.slice(from, Math.min(end, from + TEXT_LENGTH_MAX));
    const decoded = isEscaped ? decodeReferences(text, this.onUnknownReference) : text;
    this.sink.read({ kind: 'text', text: decoded });
  }

  private markup(at: number): void {
    switch (this.text[at + 1]) {
      case '/':
        this.endTag(at);
        return;
      case '!':
        this.declaration(at);
        return;
      case '?':
        this.instruction(at);
        return;
      default:
        if (isNameStart(this.text.charCodeAt(at + 1))) this.startTag(at);
        else this.strayBracket(at);
    }
  }

  private strayBracket(at: number): void {
    this.damages.add('strayBracket', at);
    this.tell(at, at + 1, false);
    this.at = at + 1;
  }

  private startTag(at: number): void {
    const nameEnd = this.tags.nameEnd(at + 1);
    const tag = this.tags.rest(nameEnd);
    if (tag === null) {
      this.damages.add('cutTag', at);
      this.at = this.text.length;
      return;
    }
    this.at = tag.end;
    const raw = this.text.slice(at + 1, nameEnd);
    // No item lies in another one: the one that is open has lost its end.
    if (raw === this.item?.raw && this.names.includes(this.item.name)) {
      this.damages.add('openItem', at);
      this.closeTo(this.item.name, at);
    }
    if (this.names.length < XML_DEPTH_MAX && this.overDepth === 0) this.open(raw, tag);
    else if (!tag.isEmpty) this.openBeyond(raw.toLowerCase(), at);
  }

  private openBeyond(folded: string, at: number): void {
    if (this.overDepth === 0) this.damages.add('overDepth', at);
    this.overDepth++;
    const open = this.overNames.get(folded) ?? 0;
    if (open > 0 || this.overNames.size < OVER_NAMES_MAX) this.overNames.set(folded, open + 1);
  }

  private open(raw: string, tag: ScannedTag): void {
    this.hasBegun = true;
    const scope = this.scopeOf(raw, tag.pairs);
    const name = scope.name(raw);
    if (isItem(name.qualified)) this.meetItem(raw, name.folded);
    const attributes = attributesOf(tag.pairs, scope, this.onUnknownReference);
    this.sink.read({ kind: 'open', name: name.qualified, attributes });
    if (tag.isEmpty) {
      this.sink.read(CLOSE);
      return;
    }
    this.names.push(name.folded);
    this.rawNames.push(raw);
    this.scopes.push(scope);
  }

  private scopeOf(raw: string, pairs: readonly string[]): XmlScope {
    const outer = this.scopes.at(-1) ?? NO_SCOPE;
    const declared = pairs.length === 0 ? null : declaredNamespaces(pairs);
    if (declared === null) return outer;
    return outer.with(this.isOfRss(raw, declared) ? new Map([...declared, ['', '']]) : declared);
  }

  /**
   * RSS has no namespace, but some documents declare a module's, or Atom's, as that of all their elements; on any other root one
   * that nobody knows says nothing either.
   */
  private isOfRss(raw: string, declared: ReadonlyMap<string, string>): boolean {
    const uri = declared.get('');
    if (uri === undefined) return false;
    const name = raw.toLowerCase();
    if (RSS_FRAME.has(name)) return true;
    return this.scopes.length === 0 && qualifiedName(uri, name) === `other:${name}`;
  }

  private meetItem(raw: string, folded: string): void {
    if (this.item?.name === folded) return;
    const starts = new Seeker(this.text, `<${raw}`);
    this.item = { raw, name: folded, starts, ends: new Seeker(this.text, `</${raw}`) };
    this.tags.itemEnd = this.item.ends;
  }

  private endTag(at: number): void {
    const raw = this.rawNames.at(-1);
    const rawEnd = at + 2 + (raw?.length ?? 0);
    const isPlain = this.text.charCodeAt(rawEnd) === GREATER && this.overDepth === 0;
    if (raw !== undefined && isPlain && this.text.startsWith(raw, at + 2)) {
      this.at = rawEnd + 1;
      this.close();
      return;
    }
    const nameEnd = this.tags.nameEnd(at + 2);
    const folded = this.text.slice(at + 2, nameEnd).toLowerCase();
    this.at = this.tags.afterGreater(nameEnd);
    if (!this.closeBeyond(folded)) this.closeTo(folded, at);
  }

  /** True when it ends an element beyond the depth. */
  private closeBeyond(folded: string): boolean {
    const open = this.overNames.get(folded) ?? 0;
    if (this.overDepth === 0 || open === 0) return false;
    this.overDepth--;
    this.overNames.set(folded, open - 1);
    return true;
  }

  private closeTo(folded: string, at: number): void {
    const open = this.names.lastIndexOf(folded);
    if (open < 0) {
      this.damages.add('strayEnd', at);
      return;
    }
    if (this.overDepth > 0) {
      this.overDepth = 0;
      this.overNames.clear();
    }
    while (this.names.length > open + 1) {
      this.damages.add('openElement', at);
      this.close();
    }
    this.close();
  }

  private close(): void {
    this.names.pop();
    this.rawNames.pop();
    this.scopes.pop();
    this.sink.read(CLOSE);
  }

  private declaration(at: number): void {
    const { text } = this;
    if (text.startsWith(CDATA, at)) this.cdata(at + CDATA.length);
    else if (text.startsWith('<!--', at)) this.comment(at);
    else this.at = this.afterDeclaration(at);
  }

  private cdata(from: number): void {
    const { text } = this;
    const end = this.cdataEnds.next(from);
    const itemEnd = this.itemEndIn(from, end);
    if (itemEnd === null) {
      this.tell(from, end, false);
      if (end === text.length) this.damages.add('openCdata', from);
      this.at = Math.min(end + 3, text.length);
      return;
    }
    this.damages.add('openCdata', from);
    const near = text.slice(from, Math.min(itemEnd, from + OWN_END_LENGTH_MAX));
    const own = near.indexOf(`</${this.rawNames.at(-1) ?? ''}`);
    const cut = own >= 0 ? from + own : itemEnd;
    this.tell(from, cut, false);
    this.at = cut;
  }

  /** Where the item that is open ends within the section; null where it does not, or a whole item is quoted in it. */
  private itemEndIn(from: number, end: number): number | null {
    if (this.item === null || !this.names.includes(this.item.name)) return null;
    const itemEnd = this.item.ends.next(from);
    if (itemEnd >= end) return null;
    return this.item.starts.next(from) < itemEnd ? null : itemEnd;
  }

  private comment(at: number): void {
    const end = this.commentEnds.next(at + 4);
    if (end === this.text.length) this.damages.add('openComment', at);
    this.at = Math.min(end + 3, this.text.length);
  }

  private instruction(at: number): void {
    this.at = this.tags.afterGreater(at + 1);
  }

  private afterDeclaration(at: number): number {
    const { text } = this;
    // It stands before the document, and once: to look for its end again and again would take quadratic time.
    if (this.hasBegun) return this.tags.afterGreater(at + 2);
    this.hasBegun = true;
    const subset = /^<!doctype[^[>]{0,1000}\[/i.exec(text.slice(at, at + 1_100));
    if (subset === null) return this.tags.afterGreater(at + 2);
    const end = subsetEnd(text, at + subset[0].length);
    this.damages.add(end === null ? 'openDeclaration' : 'entityDefinitions', at);
    return end ?? this.tags.afterGreater(at + 2);
  }
}

const NO_SCOPE = new XmlScope();
/** Nothing else in a feed is called so. */
const RSS_FRAME: ReadonlySet<string> = new Set(['rss', 'channel', 'item']);

/** Just after the definitions of a document type: strings and comments in them may hold what would end it. */
function subsetEnd(text: string, from: number): number | null {
  const next = /["'\]]|<!--/g;
  next.lastIndex = from;
  for (let found = next.exec(text); found !== null; found = next.exec(text)) {
    if (found[0] === ']') {
      const end = /\s*>/y;
      end.lastIndex = next.lastIndex;
      if (end.test(text)) return end.lastIndex;
      continue;
    }
    const closing = found[0] === '<!--' ? '-->' : found[0];
    const close = text.indexOf(closing, next.lastIndex);
    if (close < 0) return null;
    next.lastIndex = close + closing.length;
  }
  return null;
}

/** The item of a feed, whatever its namespace is called. */
function isItem(qualified: string): boolean {
  return qualified === 'item' || qualified === 'atom:entry' || qualified === 'entry';
}

function isNameStart(code: number): boolean {
  return (
    (code >= 0x61 && code <= 0x7a) ||
    (code >= 0x41 && code <= 0x5a) ||
    code === 0x5f ||
    code === 0x3a ||
    code >= 0x80
  );
}
