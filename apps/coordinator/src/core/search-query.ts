import { err, ok, type Result } from '@podctl/domain/result.ts';

/**
 * What people type, read as: every word must be there; `"a phrase"` word for word; `begin*` whatever begins so; `-word`
 * must not be there. Case and accents do not count. There is nothing else, and nothing is a syntax error: a quote that is
 * not closed closes at the end, and what has no letter or digit is passed over.
 */
export interface SearchQuery {
  readonly wanted: readonly SearchTerm[];
  readonly unwanted: readonly SearchTerm[];
}

export interface SearchTerm {
  /** One word, or several that follow each other. */
  readonly text: string;
  readonly isPrefix: boolean;
}

export const SEARCH_LIMITS = {
  lengthMax: 500,
  termsMax: 16,
  /** A shorter beginning is found in nearly every passage, and the index has no list of those. */
  prefixLengthMin: 2,
} as const;

/** The error is a sentence of what to give. */
export function parseSearchQuery(text: string): Result<SearchQuery, string> {
  const { lengthMax, termsMax, prefixLengthMin } = SEARCH_LIMITS;
  if (text.length > lengthMax)
    return err(`the query has ${text.length} characters: give ${lengthMax} at most`);
  const wanted: SearchTerm[] = [];
  const unwanted: SearchTerm[] = [];
  for (const [, minus, phrase, word, star] of text.matchAll(termPattern)) {
    const term = { text: cleaned(phrase ?? word ?? ''), isPrefix: star !== undefined };
    if (isWords(term.text)) (minus === undefined ? wanted : unwanted).push(term);
  }
  if (wanted.length === 0)
    return err('the query has no word to look for: give a word, "a phrase", or begin*');
  if (wanted.length + unwanted.length > termsMax)
    return err(`the query has ${wanted.length + unwanted.length} words: give ${termsMax} at most`);
  const short = [...wanted, ...unwanted].find((term) => isShortPrefix(term, prefixLengthMin));
  if (short !== undefined)
    return err(`"${short.text}*" is too short: give ${prefixLengthMin} letters before the *`);
  return ok({ wanted, unwanted });
}

/** A quoted phrase, its last quote missing or not, or a run of what is neither space nor quote; each with a sign and a star. */
const termPattern = /(-)?(?:"([^"]*)(?:"|$)|([^\s"*]+))(\*)?/g;

/** What SQLite's unicode61 takes for a part of a word; a term without any would be an empty phrase, which nothing matches. */
const wordPattern = /[\p{L}\p{N}\p{Co}]/u;

function isWords(text: string): boolean {
  return wordPattern.test(text);
}

function isShortPrefix({ text, isPrefix }: SearchTerm, lengthMin: number): boolean {
  if (!isPrefix) return false;
  const last = text.match(/[\p{L}\p{N}\p{M}\p{Co}]+(?=[^\p{L}\p{N}\p{M}\p{Co}]*$)/u)?.[0] ?? '';
  return [...last.normalize('NFD').replace(/\p{M}/gu, '')].length < lengthMin;
}

/** A NUL would end the expression early. */
function cleaned(text: string): string {
  return text.replace(/[\p{Cc}\p{Cs}]/gu, ' ').trim();
}

/**
 * The query as an expression of FTS5. Each term is a string of it, in quotes, so that no character of theirs has a
 * meaning; its own tokenizer then cuts the string into words.
 *
 * @param feedWord narrows to the feed of this word; null: all.
 */
export function matchExpression(
  { wanted, unwanted }: SearchQuery,
  feedWord: string | null,
): string {
  const all = wanted.map(termExpression).join(' AND ');
  const none = unwanted.map((term) => ` NOT ${termExpression(term)}`).join('');
  const text = `text : ((${all})${none})`;
  return feedWord === null ? text : `feed : ${quoted(feedWord)} AND ${text}`;
}

function termExpression({ text, isPrefix }: SearchTerm): string {
  return isPrefix ? `${quoted(text)}*` : quoted(text);
}

function quoted(text: string): string {
  return `"${text.replaceAll('"', '""')}"`;
}
