import type { XmlDamages } from './xml-damage.ts';
import { Seeker } from './xml-seeker.ts';

const TAB = 0x09;
const LINE_FEED = 0x0a;
const RETURN = 0x0d;
const SPACE = 0x20;
const QUOTE = 0x22;
const APOSTROPHE = 0x27;
const SLASH = 0x2f;
const LESS = 0x3c;
const EQUALS = 0x3d;
const GREATER = 0x3e;

/** Attributes of a tag that are kept. */
const ATTRIBUTES_MAX = 64;

export interface ScannedTag {
  /** Just after the tag. */
  readonly end: number;
  readonly isEmpty: boolean;
  /** Name, value, name, value, as they are written. */
  readonly pairs: readonly string[];
}

const NO_PAIRS: readonly string[] = [];

/** Reads what is between a tag's name and its `>`, however it is written. Every character is looked at a fixed number of times. */
export class TagScanner {
  /** `</item` as this document writes it; a lost quote may not swallow one. */
  itemEnd: Seeker | null = null;
  private readonly text: string;
  private readonly damages: XmlDamages;
  private readonly quotes: Seeker;
  private readonly apostrophes: Seeker;
  private readonly greater: Seeker;
  private at = 0;

  constructor(text: string, damages: XmlDamages) {
    this.text = text;
    this.damages = damages;
    this.quotes = new Seeker(text, '"');
    this.apostrophes = new Seeker(text, "'");
    this.greater = new Seeker(text, '>');
  }

  /** The place just after a name that begins at `from`. */
  nameEnd(from: number): number {
    const { text } = this;
    let at = from;
    while (at < text.length && !endsName(text.charCodeAt(at))) at++;
    return at;
  }

  /** The place just after the next `>`, or of the next `<` when that comes first, as of an end tag that lost its own. */
  afterGreater(from: number): number {
    const { text } = this;
    let at = from;
    while (at < text.length) {
      const code = text.charCodeAt(at);
      if (code === GREATER) return at + 1;
      if (code === LESS) return at;
      at++;
    }
    return at;
  }

  /** Null when the document ends within the tag. */
  rest(from: number): ScannedTag | null {
    const { text } = this;
    if (text.charCodeAt(from) === GREATER)
      return { end: from + 1, isEmpty: false, pairs: NO_PAIRS };
    const pairs: string[] = [];
    this.at = from;
    for (let at = this.skipSpace(); at < text.length; at = this.skipSpace()) {
      const end = this.endAt(at, pairs);
      if (end !== null) return end;
      if (isStray(text.charCodeAt(at))) this.at++;
      else if (!this.attribute(pairs)) return null;
    }
    return null;
  }

  private endAt(at: number, pairs: readonly string[]): ScannedTag | null {
    const code = this.text.charCodeAt(at);
    if (code === GREATER) return { end: at + 1, isEmpty: false, pairs };
    if (code === SLASH && this.text.charCodeAt(at + 1) === GREATER)
      return { end: at + 2, isEmpty: true, pairs };
    if (code !== LESS) return null;
    this.damages.add('openTag', at);
    return { end: at, isEmpty: false, pairs };
  }

  /** False when the document ends within it. */
  private attribute(pairs: string[]): boolean {
    const { text } = this;
    const from = this.at;
    this.at = this.nameEnd(from);
    const name = text.slice(from, this.at);
    if (text.charCodeAt(this.skipSpace()) !== EQUALS) return true;
    this.at++;
    const value = this.value(this.skipSpace());
    if (value === null) return false;
    if (pairs.length < 2 * ATTRIBUTES_MAX) pairs.push(name, value);
    else this.damages.add('overAttributes', from);
    return true;
  }

  private value(from: number): string | null {
    const code = this.text.charCodeAt(from);
    if (code === QUOTE) return this.quoted(from, this.quotes);
    if (code === APOSTROPHE) return this.quoted(from, this.apostrophes);
    return this.bare(from);
  }

  private quoted(from: number, quotes: Seeker): string | null {
    const { text } = this;
    const end = quotes.next(from + 1);
    // No attribute holds the end of an item: where one seems to, it has lost its quote.
    const isOpen = end === text.length || (this.itemEnd !== null && this.itemEnd.next(from) < end);
    if (!isOpen) {
      this.at = end + 1;
      return text.slice(from + 1, end);
    }
    const greater = this.greater.next(from);
    if (greater === text.length) return null;
    this.damages.add('openQuote', from);
    this.at = text.charCodeAt(greater - 1) === SLASH ? greater - 1 : greater;
    return text.slice(from + 1, this.at);
  }

  private bare(from: number): string {
    const { text } = this;
    let at = from;
    while (at < text.length && !endsBareValue(text, at)) at++;
    this.at = at;
    return text.slice(from, at);
  }

  private skipSpace(): number {
    while (isSpace(this.text.charCodeAt(this.at))) this.at++;
    return this.at;
  }
}

function isSpace(code: number): boolean {
  return code === SPACE || code === LINE_FEED || code === RETURN || code === TAB;
}

function endsName(code: number): boolean {
  return isSpace(code) || code === GREATER || code === SLASH || code === LESS || code === EQUALS;
}

/** What no attribute begins with. */
function isStray(code: number): boolean {
  return code === SLASH || code === EQUALS || code === QUOTE || code === APOSTROPHE;
}

function endsBareValue(text: string, at: number): boolean {
  const code = text.charCodeAt(at);
  if (isSpace(code) || code === GREATER || code === LESS) return true;
  return code === SLASH && text.charCodeAt(at + 1) === GREATER;
}
