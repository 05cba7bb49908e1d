import { type PassageMark, timeAt } from '@podctl/domain/transcript/passage.ts';

/** The texts of the parts joined are the snippet. */
export interface SnippetPart {
  readonly text: string;
  readonly isMatch: boolean;
}

/** Around what the index found: no text of a transcript has control characters. */
export const MATCH_BEGIN = '\u0002';
export const MATCH_END = '\u0003';

export const SNIPPET_LENGTH_MAX = 240;
/** Of what is shown, so much stands before the first match. */
const LEAD_LENGTH_MAX = 60;
const ELLIPSIS = '…';

/** A passage's text with its matches between marks, as parts. */
export function matchedParts(marked: string): SnippetPart[] {
  return marked
    .split(MATCH_BEGIN)
    .flatMap((piece, i) => {
      const end = i === 0 ? -1 : piece.indexOf(MATCH_END);
      return [
        { text: piece.slice(0, Math.max(0, end)), isMatch: true },
        { text: piece.slice(end + 1), isMatch: false },
      ];
    })
    .filter(({ text }) => text !== '');
}

export interface Snippet {
  readonly parts: readonly SnippetPart[];
  /** When the first match is spoken. */
  readonly startMs: number;
}

/** What stands around the first match, whole words, 240 characters and two ellipses at most. */
export function snippetOf(marked: string, startMs: number, marks: readonly PassageMark[]): Snippet {
  const parts = matchedParts(marked);
  const text = parts.map((part) => part.text).join('');
  const firstAt = parts[0]?.isMatch === false && parts.length > 1 ? parts[0].text.length : 0;
  const from = wordFrom(text, firstAt - LEAD_LENGTH_MAX);
  const to = wordTo(text, from + SNIPPET_LENGTH_MAX, firstAt);
  const shown = within(parts, from, to);
  const head = from > 0 ? [{ text: ELLIPSIS, isMatch: false }] : [];
  const tail = to < text.length ? [{ text: ELLIPSIS, isMatch: false }] : [];
  return {
    parts: joined([...head, ...shown, ...tail]),
    startMs: timeAt({ startMs, marks }, firstAt),
  };
}

/** The beginning of the first word at or after a place. */
function wordFrom(text: string, at: number): number {
  if (at <= 0) return 0;
  const space = text.indexOf(' ', at - 1);
  // One long run without spaces, as in Japanese: cut it anywhere.
  return space === -1 || space > at + LEAD_LENGTH_MAX ? wholeAt(text, at) : space + 1;
}

/** The end of the last word before a place, and never before the first match begins. */
function wordTo(text: string, at: number, firstAt: number): number {
  if (at >= text.length) return text.length;
  const space = text.lastIndexOf(' ', at);
  return space > firstAt ? space : wholeAt(text, at);
}

/** Not between the halves of a surrogate pair. */
function wholeAt(text: string, at: number): number {
  const unit = text.charCodeAt(at);
  return unit >= 0xdc00 && unit <= 0xdfff ? at + 1 : at;
}

function within(parts: readonly SnippetPart[], from: number, to: number): SnippetPart[] {
  let at = 0;
  return parts.flatMap(({ text, isMatch }) => {
    const begin = Math.max(0, from - at);
    const end = Math.max(begin, Math.min(text.length, to - at));
    at += text.length;
    return begin === end ? [] : [{ text: text.slice(begin, end), isMatch }];
  });
}

/** Neighbours of one kind as one. */
function joined(parts: readonly SnippetPart[]): SnippetPart[] {
  const all: SnippetPart[] = [];
  for (const part of parts) {
    const last = all.at(-1);
    if (last?.isMatch === part.isMatch)
      all[all.length - 1] = { text: last.text + part.text, isMatch: part.isMatch };
    else all.push(part);
  }
  return all;
}
