import { NAME_PARTICLES, NO_NAME_START, NO_TITLE_START, TITLE_JOINERS } from './book-words.ts';
import { coreOf, type SpokenToken } from './spoken-token.ts';

/** Tokens from `from` up to `to`, both included, with the text that they make. */
export interface NameSpan {
  readonly from: number;
  readonly to: number;
  readonly text: string;
}

const TITLE_TOKENS_MAX = 12;
const QUOTED_TOKENS_MAX = 16;
const AUTHOR_TOKENS_MAX = 5;
export const TITLE_LENGTH_MAX = 120;
export const AUTHOR_LENGTH_MAX = 80;

type Tokens = readonly SpokenToken[];

/** The title that begins at a token: in quotation marks, or names with small words between them. */
export function titleAt(tokens: Tokens, from: number): NameSpan | null {
  const first = tokens[from];
  if (first === undefined) return null;
  if (first.opensQuote) return quotedAt(tokens, from);
  if (!first.isName || NO_TITLE_START.has(first.word)) return null;
  const to = lastName(tokens, from, TITLE_TOKENS_MAX, isTitlePart);
  return spanOf(tokens, from, to, TITLE_LENGTH_MAX);
}

/** The title that ends at a token, not reaching back to before `least`. */
export function titleBefore(tokens: Tokens, to: number, least: number): NameSpan | null {
  const last = tokens[to];
  if (last === undefined || last.endsSentence) return null;
  if (last.closesQuote) return quotedBefore(tokens, to, least);
  if (!last.isName) return null;
  let from = firstName(tokens, to, Math.max(least, to - TITLE_TOKENS_MAX + 1), isTitlePart);
  while (from < to && !beginsTitle(tokens[from])) from += 1;
  return beginsTitle(tokens[from]) ? spanOf(tokens, from, to, TITLE_LENGTH_MAX) : null;
}

/** A person's name that begins at a token. */
export function personAt(tokens: Tokens, from: number): NameSpan | null {
  if (!beginsName(tokens[from])) return null;
  const to = lastName(tokens, from, AUTHOR_TOKENS_MAX, isPersonPart);
  return personOf(tokens, from, to);
}

/** A person's name of two words at least that ends at a token. */
export function personBefore(tokens: Tokens, to: number): NameSpan | null {
  const from = firstName(tokens, to, to - AUTHOR_TOKENS_MAX + 1, isPersonPart);
  return to - from >= 1 ? personOf(tokens, from, to) : null;
}

/** The last name of those that follow each other from `from` on, at most up to the end of the clause; else below `from`. */
function lastName(
  tokens: Tokens,
  from: number,
  tokensMax: number,
  isPart: (token: SpokenToken) => boolean,
): number {
  let last = from - 1;
  for (const [n, token] of tokens.slice(from, from + tokensMax).entries()) {
    if (!isPart(token)) break;
    if (token.isName) last = from + n;
    if (token.endsClause || (isPart === isPersonPart && isPossessive(token))) break;
  }
  return last;
}

/** The first name of those that follow each other up to `to`, within the clause; else above `to`. */
function firstName(
  tokens: Tokens,
  to: number,
  least: number,
  isPart: (token: SpokenToken) => boolean,
): number {
  let first = to + 1;
  for (let i = to; i >= Math.max(0, least); i -= 1) {
    const token = tokens[i];
    if (token === undefined || !isPart(token) || (i < to && token.endsClause)) break;
    if (token.isName) first = i;
  }
  return first;
}

function isTitlePart({ isName, word }: SpokenToken): boolean {
  return isName || TITLE_JOINERS.has(word);
}

function isPersonPart({ isName, word }: SpokenToken): boolean {
  const isOfName = isName && !NO_NAME_START.has(word) && !/^\p{N}/u.test(word);
  return isOfName || NAME_PARTICLES.has(word);
}

function beginsTitle(token: SpokenToken | undefined): boolean {
  return token?.isName === true && !NO_TITLE_START.has(token.word);
}

function beginsName(token: SpokenToken | undefined): boolean {
  return token?.isName === true && isPersonPart(token);
}

/** A person's name ends with it, and a title may go on: "Ann Lee's Fog". */
function isPossessive({ text }: SpokenToken): boolean {
  return /['’]s$/.test(text);
}

function personOf(tokens: Tokens, from: number, to: number): NameSpan | null {
  const span = spanOf(tokens, from, to, AUTHOR_LENGTH_MAX);
  return span === null ? null : { ...span, text: span.text.replace(/['’]s$/, '') };
}

function quotedAt(tokens: Tokens, from: number): NameSpan | null {
  for (let to = from; to < tokens.length && to - from < QUOTED_TOKENS_MAX; to += 1)
    if (tokens[to]?.closesQuote === true) return spanOf(tokens, from, to, TITLE_LENGTH_MAX);
  return null;
}

function quotedBefore(tokens: Tokens, to: number, least: number): NameSpan | null {
  for (let from = to; from >= least && to - from < QUOTED_TOKENS_MAX; from -= 1)
    if (tokens[from]?.opensQuote === true) return spanOf(tokens, from, to, TITLE_LENGTH_MAX);
  return null;
}

function spanOf(tokens: Tokens, from: number, to: number, lengthMax: number): NameSpan | null {
  const words = tokens.slice(from, to + 1).map(({ text }) => text);
  const text = coreOf(words.join(' '));
  return text === '' || text.length > lengthMax ? null : { from, to, text };
}
