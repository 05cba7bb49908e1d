import type { SearchHitView } from '../views/search-map.ts';
import { oneLine } from './cell.ts';

const BOLD = '\u001b[1m';
const PLAIN = '\u001b[22m';

/** Two lines a hit: where it is, and what is said there. Matches stand out only where `isColoured`. */
export function hitLines(hit: SearchHitView, isColoured: boolean): string[] {
  const { feedId, episodeId, startSeconds, publishedAt, title, parts } = hit;
  const day = publishedAt?.slice(0, 10) ?? '-';
  const head = [feedId, episodeId, clockWords(startSeconds), day, title].map(oneLine).join('  ');
  const said = parts.map(({ text, matched }) =>
    matched && isColoured ? `${BOLD}${oneLine(text)}${PLAIN}` : oneLine(text),
  );
  return [head.trimEnd(), `    ${said.join('')}`];
}

/** A place in an audio file as players show it: `0:07:31`. */
export function clockWords(seconds: number): string {
  const s = Math.max(0, Math.floor(seconds));
  const two = (n: number) => String(n).padStart(2, '0');
  return `${Math.floor(s / 3_600)}:${two(Math.floor(s / 60) % 60)}:${two(s % 60)}`;
}
