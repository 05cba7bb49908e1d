/**
 * A title as it can still be compared after it was a file name: letters, marks and digits of any script, in one case.
 * Programs replace or leave out separators, quotes and colons in many ways; none of those count.
 */
export function looseTitle(text: string): string {
  return text
    .normalize('NFKC')
    .toLowerCase()
    .replace(/[^\p{L}\p{M}\p{N}]/gu, '');
}
