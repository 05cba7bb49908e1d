import { createRequire } from 'node:module';

interface Measures {
  readonly width: (text: string) => number;
  readonly slice: (text: string, begin: number, end: number) => string;
}

const printableAscii = /^[\x20-\x7e]*$/;
let measures: Measures | null = null;

/** How many columns of a terminal a text takes; wide and combining characters count as they show. */
export function textWidth(text: string): number {
  return printableAscii.test(text) ? text.length : loaded().width(text);
}

/** The part of a text from one column to another. */
export function textSlice(text: string, begin: number, end: number): string {
  return printableAscii.test(text) ? text.slice(begin, end) : loaded().slice(text, begin, end);
}

/** Loaded at the first text that is not plain: their tables of all emoji would be 40 ms of each start. */
function loaded(): Measures {
  if (measures !== null) return measures;
  const require = createRequire(import.meta.url);
  measures = { width: require('string-width').default, slice: require('slice-ansi').default };
  return measures;
}
