import stringWidth from 'string-width';
import { cut, oneLine } from '../cell.ts';

/** Colour only repeats what a word says. */
export type Tone = 'bad' | 'warn' | 'good' | 'dim' | 'strong';

export interface Span {
  readonly text: string;
  readonly tone?: Tone;
}

/** One row of the screen, before it is cut to its width. What people and hosts chose may stand in it as it came. */
export type Line = readonly Span[];

export interface Style {
  /** Nothing but ASCII. */
  readonly ascii: boolean;
  readonly color: boolean;
}

const codes: { readonly [T in Tone]: number } = { bad: 31, warn: 33, good: 32, dim: 2, strong: 1 };
const graphemes = new Intl.Segmenter('en', { granularity: 'grapheme' });

export function text(words: string, tone?: Tone): Line {
  return tone === undefined ? [{ text: words }] : [{ text: words, tone }];
}

/** The line as it goes to the terminal: no control characters but our own colours, `columns` wide at most. */
export function drawn(line: Line, columns: number, { ascii, color }: Style): string {
  let left = columns;
  const pieces: { words: string; tone: Tone | undefined }[] = [];
  for (const [i, { text: raw, tone }] of line.entries()) {
    // Padding at the end must not be what the line is cut for.
    const clean = i === line.length - 1 ? oneLine(raw).trimEnd() : oneLine(raw);
    const words = cut(ascii ? inAscii(clean) : clean, left);
    left -= stringWidth(words);
    pieces.push({ words: ascii ? inAscii(words) : words, tone });
  }
  while (pieces.at(-1)?.words.trimEnd() === '') pieces.pop();
  // Where two pieces meet, marks of the second may join the first: then the line is cut as one.
  const whole = pieces.map(({ words }) => words).join('');
  if (stringWidth(whole) > columns) return cut(whole, columns).trimEnd();
  return pieces
    .map(({ words, tone }, i) => paint(i === pieces.length - 1 ? words.trimEnd() : words, tone))
    .join('');

  function paint(words: string, tone: Tone | undefined): string {
    return color && tone !== undefined && words !== ''
      ? `\u001b[${codes[tone]}m${words}\u001b[0m`
      : words;
  }
}

/** As wide as before: a `?` for each column of what ASCII lacks. */
function inAscii(words: string): string {
  if (/^\p{ASCII}*$/u.test(words)) return words;
  return [...graphemes.segment(words)]
    .map(({ segment }) => {
      if (segment === '…') return '~';
      return /^[ -~]$/.test(segment) ? segment : '?'.repeat(stringWidth(segment));
    })
    .join('');
}
