import type { SearchHitView } from '../views/search-map.ts';
import { oneLine } from './cell.ts';
import { textWidth } from './text-width.ts';
import { type Piece, wrapped } from './wrapped.ts';

const BOLD = '\u001b[1m';
const PLAIN = '\u001b[22m';
const INDENT = '    ';

export interface HitLook {
  /** Matches stand out. */
  readonly isColoured: boolean;
  /** Of the terminal; null: no line is broken. */
  readonly columns: number | null;
}

/** Where a hit is, and below it what is said there, in whole words. */
export function hitLines(hit: SearchHitView, { isColoured, columns }: HitLook): string[] {
  const { feedId, episodeId, startSeconds, publishedAt, title, parts } = hit;
  const day = publishedAt?.slice(0, 10) ?? '-';
  const place = [feedId, episodeId, clockWords(startSeconds), day].map(oneLine).join('  ');
  const head = `${place}  ${oneLine(title)}`.trimEnd();
  const width = (columns ?? Number.POSITIVE_INFINITY) - INDENT.length;
  const below = (pieces: readonly Piece[]) =>
    wrapped(pieces, width).map(
      (line) => INDENT + line.map((one) => shown(one, isColoured)).join(''),
    );
  const isTooWide = columns !== null && textWidth(head) > columns;
  return [
    ...(isTooWide ? [place, ...below([{ text: oneLine(title), matched: false }])] : [head]),
    ...below(parts.map(({ text, matched }) => ({ text: oneLine(text), matched }))),
  ];
}

function shown({ text, matched }: Piece, isColoured: boolean): string {
  return matched && isColoured ? `${BOLD}${text}${PLAIN}` : text;
}

/** A place in an audio file as players show it: `0:07:31`. */
export function clockWords(seconds: number): string {
  const s = Math.max(0, Math.floor(seconds));
  const two = (n: number) => String(n).padStart(2, '0');
  return `${Math.floor(s / 3_600)}:${two(Math.floor(s / 60) % 60)}:${two(s % 60)}`;
}
