/**
 * A title as it can still be compared after it was a file name: letters, marks and digits of any script, in one case.
 * Programs replace or leave out separators, quotes, colons and emoji in many ways; none of those count, nor does what
 * only says how an emoji is drawn.
 */
export function looseTitle(text: string): string {
  return text
    .normalize('NFKC')
    .toLowerCase()
    .replace(/[^\p{L}\p{M}\p{N}]|\p{Variation_Selector}|\p{Me}/gu, '');
}
