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
  for (let end = width - 1; end > 0; end -= 1) {
    const piece = `${textSlice(text, 0, end)}…`;
    // The two count some rare clusters differently: what is measured decides.
    if (textWidth(piece) <= width) return piece;
  }
  return width <= 0 ? '' : '…';
}

/** Feeds and hosts choose titles and reasons: control characters in them must not reach the terminal. */
export function oneLine(text: string): string {
  return text.replace(/[\p{Cc}\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff]+/gu, ' ');
}

function padTo(text: string, width: number, align: 'left' | 'right'): string {
  const space = ' '.repeat(Math.max(0, width - textWidth(text)));
  return align === 'left' ? text + space : space + text;
}
