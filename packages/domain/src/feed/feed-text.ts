import { decodeReferences } from './xml-reference.ts';

const NOTHING = () => undefined;
/** White space other than single blanks, control characters, and surrogates, lone ones among them. */
const UNCLEAN = /[\p{Cc}\p{Cs}\ufffe\uffff\u2028\u2029]|\s\s/u;
/** What a text of plain characters never holds on purpose. */
const ESCAPED_TWICE =
  /&(?:amp|lt|gt|quot|apos|nbsp|[lr][sd]quo|[mn]dash|hellip|#\d{2,6}|#x[0-9a-f]{2,6});/i;

/** White space folded, what no text holds dropped, well-formed Unicode. */
export function cleanText(text: string): string {
  if (!UNCLEAN.test(text)) return text.trim();
  return text
    .replace(/\s+/g, ' ')
    .replace(/[\p{Cc}\ufffe\uffff]/gu, '')
    .trim()
    .toWellFormed();
}

export function hasControls(text: string): boolean {
  return /(?!\s)\p{Cc}/u.test(text);
}

/** A title as people read it: many feeds escape HTML once more than XML asks for. `isMarkup`: it is HTML by its type. */
export function plainTitle(text: string, isMarkup: boolean): string {
  const plain = isMarkup ? text.replace(/<\/?[a-z][^<>]*>/gi, '') : text;
  return ESCAPED_TWICE.test(plain) ? cleanText(decodeReferences(plain, NOTHING)) : plain;
}
