import { err, ok, type Result } from '../result.ts';
import { type BookMention, type BookTalk, MENTIONS_MAX, QUOTE_LENGTH_MAX } from './book-finder.ts';
import { AUTHOR_LENGTH_MAX, TITLE_LENGTH_MAX } from './book-name.ts';

/** The file of a score's result. */
export const BOOKS_FILE = 'books.json';
/** MENTIONS_MAX of the longest, in three bytes a character, twice over. */
export const BOOKS_BYTES_MAX = 1_024 * 1_024;
const VERSION = 1;

export interface BookList {
  readonly language: string;
  readonly audioSeconds: number;
  /** Of the transcript that it was made of, lower-case hex. */
  readonly transcriptSha256: string;
  /** Null: its language is not read. */
  readonly talk: BookTalk | null;
}

/** One line of JSON; equal lists are equal bytes. */
export function renderBooks({ language, audioSeconds, transcriptSha256, talk }: BookList): string {
  const document = {
    ...{ format: 'podctl-books', version: VERSION, language, audioSeconds, transcriptSha256 },
    weight: talk?.weight ?? null,
    mentions: (talk?.mentions ?? []).map((one) => ({
      ...{ title: one.title, author: one.author, startSeconds: one.startSeconds },
      ...{ quote: one.quote, confidence: one.confidence, recommended: one.recommended },
    })),
  };
  return `${JSON.stringify(document)}\n`;
}

/** Takes what fits and passes over what does not. */
export function readBooks(text: string): Result<readonly BookMention[], string> {
  let document: unknown;
  try {
    document = JSON.parse(text);
  } catch {
    return err('it is no JSON');
  }
  if (!isObject(document) || document.format !== 'podctl-books')
    return err('it is no list of books of podctl');
  if (document.version !== VERSION)
    return err(`its version is not ${VERSION}: a newer podctl made it`);
  if (!Array.isArray(document.mentions)) return err('it has no list of mentions');
  const mentions = document.mentions.slice(0, MENTIONS_MAX).filter(isObject).map(mentionOf);
  return ok(mentions);
}

function mentionOf(raw: Readonly<Record<string, unknown>>): BookMention {
  const { startSeconds, confidence } = raw;
  return {
    title: nameOf(raw.title, TITLE_LENGTH_MAX),
    author: nameOf(raw.author, AUTHOR_LENGTH_MAX),
    startSeconds: typeof startSeconds === 'number' ? Math.max(0, startSeconds) : 0,
    quote: typeof raw.quote === 'string' ? raw.quote.slice(0, QUOTE_LENGTH_MAX) : '',
    confidence: typeof confidence === 'number' ? Math.min(1, Math.max(0, confidence)) : 0,
    recommended: raw.recommended === true,
  };
}

function nameOf(value: unknown, lengthMax: number): string | null {
  return typeof value === 'string' && value !== '' ? value.slice(0, lengthMax) : null;
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
