import { textSlice, textWidth } from './text-width.ts';

/** Text of exactly `width` columns: cut with an ellipsis or padded; wide and combining characters count as they show. */
export function fit(text: string, width: number, align: 'left' | 'right' = 'left'): string {
  const clean = oneLine(text);
  const found = textWidth(clean);
  if (found > width) return padTo(cut(clean, width), width, align);
  return padTo(clean, width, align);
}

/** At most `width` columns. */
export function cut(text: string, width: number): string {
  if (textWidth(text) <= width) return text;
  return width <= 0 ? '' : `${textSlice(text, 0, width - 1)}…`;
}

/** Feeds and hosts choose titles and reasons: control characters in them must not reach the terminal. */
export function oneLine(text: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what it removes
  return text.replace(/[\u0000-\u001f\u007f-\u009f\u200e\u200f\u202a-\u202e\u2066-\u2069]+/g, ' ');
}

function padTo(text: string, width: number, align: 'left' | 'right'): string {
  const space = ' '.repeat(Math.max(0, width - textWidth(text)));
  return align === 'left' ? text + space : space + text;
}
