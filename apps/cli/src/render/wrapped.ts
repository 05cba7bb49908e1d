import { textWidth } from './text-width.ts';

export interface Piece {
  readonly text: string;
  readonly matched: boolean;
}

/** Part of it may match and the rest not. */
type Word = readonly Piece[];

/**
 * Text as lines of whole words, none wider than `width` unless one word is. Between words stands one space, whatever stood
 * there.
 */
export function wrapped(parts: readonly Piece[], width: number): Piece[][] {
  const lines: Piece[][] = [];
  let left = 0;
  for (const word of wordsOf(parts)) {
    const needs = word.reduce((sum, { text }) => sum + textWidth(text), 0);
    const line = lines.at(-1);
    if (line !== undefined && needs + 1 <= left) {
      line.push({ text: ' ', matched: false }, ...word);
      left -= needs + 1;
    } else {
      lines.push([...word]);
      left = width - needs;
    }
  }
  return lines;
}

function wordsOf(parts: readonly Piece[]): Word[] {
  const words: Piece[][] = [[]];
  for (const { text, matched } of parts)
    for (const [i, word] of text.split(/\s+/u).entries()) {
      if (i > 0) words.push([]);
      if (word !== '') words.at(-1)?.push({ text: word, matched });
    }
  return words.filter((word) => word.length > 0);
}
