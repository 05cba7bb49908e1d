import { spokenWords } from '../transcript/spoken-word.ts';
import type { TranscriptSegment } from '../transcript/transcript.ts';
import { type BookSighting, BookSightings } from './book-sighting.ts';
import { coreOf, type SpokenToken, tokensOf } from './spoken-token.ts';

/** A book as somebody speaks of it. Title or author may be missing; both are, where one is only praised. */
export interface BookMention {
  readonly title: string | null;
  readonly author: string | null;
  readonly startSeconds: number;
  /** What is said around it, at most QUOTE_LENGTH_MAX characters. */
  readonly quote: string;
  /** 0 to 1: that it is a book. */
  readonly confidence: number;
  /** Words of praise or recommendation stand near it. */
  readonly recommended: boolean;
}

/** What an episode says of books. */
export interface BookTalk {
  /** In the order of time, each book once, at most MENTIONS_MAX. */
  readonly mentions: readonly BookMention[];
  /** The recommendations, each counting by its confidence; one without praise counts PLAIN_SHARE of it. */
  readonly weight: number;
}

export const MENTIONS_MAX = 200;
export const QUOTE_LENGTH_MAX = 160;
const PLAIN_SHARE = 0.6;
const QUOTE_TOKENS_BEFORE = 8;
const QUOTE_TOKENS_AFTER = 14;
/** What is only praised counts again after so long. */
const UNNAMED_EVERY_MS = 120_000;

/** "I recommend this book" beside a name is of that book. */
const UNNAMED_APART_MS = 60_000;

/** Whether there are words for it: else nothing is known, which is not the same as no books. */
export function readsLanguage(language: string): boolean {
  return /^en(?:$|[-_])/i.test(language) || /^english$/i.test(language);
}

/** Pure, and linear in the length of the transcript. English alone: ask `readsLanguage` first. */
export function bookTalk(segments: readonly TranscriptSegment[]): BookTalk {
  const tokens = tokensOf(spokenWords({ segments }));
  const sightings = distinct(tokens, new BookSightings(tokens).all());
  const mentions = sightings.slice(0, MENTIONS_MAX).map((one) => mentionOf(tokens, one));
  const weight = mentions.reduce((sum, one) => sum + weightOf(one), 0);
  return { mentions, weight: Math.round(weight * 100) / 100 };
}

function weightOf({ confidence, recommended }: BookMention): number {
  return confidence * (recommended ? 1 : PLAIN_SHARE);
}

/** Each book once, at its first naming, with what is said of it later: an hour about one book is one recommendation. */
function distinct(tokens: readonly SpokenToken[], all: readonly BookSighting[]): BookSighting[] {
  const named = new Map<string, BookSighting>();
  const unnamed: BookSighting[] = [];
  let unnamedMs = Number.NEGATIVE_INFINITY;
  for (const one of all) {
    const key = keyOf(one);
    const before = key === null ? undefined : named.get(key);
    if (key !== null) named.set(key, before === undefined ? one : together(before, one));
    const startMs = tokens[one.from]?.startMs ?? 0;
    if (key !== null || startMs - unnamedMs < UNNAMED_EVERY_MS) continue;
    unnamedMs = startMs;
    unnamed.push(one);
  }
  const startOf = ({ from }: BookSighting) => tokens[from]?.startMs ?? 0;
  // Also where a book is named again: the praise is of that one.
  const namedMs = all.filter((one) => keyOf(one) !== null).map(startOf);
  const isAlone = (one: BookSighting) =>
    !namedMs.some((ms) => Math.abs(ms - startOf(one)) < UNNAMED_APART_MS);
  return [...named.values(), ...unnamed.filter(isAlone)].sort((a, b) => a.from - b.from);
}

/** An author's name stands for a book only where no title does. Null where neither is named. */
function keyOf({ title, author }: BookSighting): string | null {
  if (title !== null) return `title ${plain(title).replace(/^(?:the|an?) /, '')}`;
  return author === null ? null : `author ${plain(author)}`;
}

function plain(text: string): string {
  return text
    .split(' ')
    .map((word) => coreOf(word).toLowerCase())
    .join(' ');
}

function together(first: BookSighting, again: BookSighting): BookSighting {
  return {
    ...first,
    author: first.author ?? again.author,
    confidence: Math.max(first.confidence, again.confidence),
    recommended: first.recommended || again.recommended,
  };
}

function mentionOf(tokens: readonly SpokenToken[], one: BookSighting): BookMention {
  const { title, author, confidence, recommended, from, to } = one;
  const startSeconds = (tokens[from]?.startMs ?? 0) / 1_000;
  const quote = quoteOf(tokens, from - QUOTE_TOKENS_BEFORE, to + QUOTE_TOKENS_AFTER);
  return { title, author, startSeconds, quote, confidence, recommended };
}

function quoteOf(tokens: readonly SpokenToken[], from: number, to: number): string {
  const words = tokens.slice(Math.max(0, from), to + 1).map(({ text }) => text);
  const whole = words.join(' ');
  if (whole.length <= QUOTE_LENGTH_MAX) return whole;
  return `${whole.slice(0, QUOTE_LENGTH_MAX - 1).trimEnd()}…`;
}
