/** HTML's names for U+00A0 to U+00FF, in order: feeds use them though XML does not know them. */
const LATIN_1_NAMES = (
  'nbsp iexcl cent pound curren yen brvbar sect uml copy ordf laquo not shy reg macr deg plusmn sup2 sup3 acute micro ' +
  'para middot cedil sup1 ordm raquo frac14 frac12 frac34 iquest Agrave Aacute Acirc Atilde Auml Aring AElig Ccedil ' +
  'Egrave Eacute Ecirc Euml Igrave Iacute Icirc Iuml ETH Ntilde Ograve Oacute Ocirc Otilde Ouml times Oslash Ugrave ' +
  'Uacute Ucirc Uuml Yacute THORN szlig agrave aacute acirc atilde auml aring aelig ccedil egrave eacute ecirc euml ' +
  'igrave iacute icirc iuml eth ntilde ograve oacute ocirc otilde ouml divide oslash ugrave uacute ucirc uuml yacute ' +
  'thorn yuml'
).split(' ');

/** HTML 4's other names that titles use, each beside its character. */
const OTHER_NAMES =
  'amp&lt<gt>quot"apos\'ndash–mdash—lsquo‘rsquo’sbquo‚ldquo“rdquo”bdquo„bull•hellip…euro€trade™prime′Prime″dagger†' +
  'Dagger‡permil‰lsaquo‹rsaquo›oline‾frasl⁄OElig\u0152oelig\u0153Scaron\u0160scaron\u0161Yuml\u0178fnof\u0192circˆtilde˜ensp\u2002emsp\u2003' +
  'thinsp\u2009zwnj\u200czwj\u200dlrm\u200erlm\u200flarr←uarr↑rarr→darr↓harr↔minus−infin∞asymp≈ne≠le≤ge≥hearts♥star☆check✓';

const CHARACTER_OF_NAME: ReadonlyMap<string, string> = new Map([
  ...LATIN_1_NAMES.map((name, i): [string, string] => [name, String.fromCharCode(0xa0 + i)]),
  ...[...OTHER_NAMES.matchAll(/([A-Za-z]+)([^A-Za-z])/gu)].map(
    ([, name = '', character = '']): [string, string] => [name, character],
  ),
]);

const REFERENCE = /&(?:#(\d{1,8});|#[xX]([0-9a-fA-F]{1,7});|([a-zA-Z][a-zA-Z0-9]{0,31});)?/g;

/**
 * The text with its references written out, once: what they stand for is not looked at again, and what a DTD defines
 * stays as it is, which is why entity bombs do nothing. `onUnknown` is called for each ampersand that stays one.
 */
export function decodeReferences(text: string, onUnknown: () => void): string {
  if (!text.includes('&')) return text;
  return text.replace(
    REFERENCE,
    (match: string, decimal?: string, hex?: string, name?: string): string => {
      if (decimal !== undefined) return characterOfCode(Number.parseInt(decimal, 10));
      if (hex !== undefined) return characterOfCode(Number.parseInt(hex, 16));
      const character = name === undefined ? undefined : CHARACTER_OF_NAME.get(name);
      if (character === undefined) onUnknown();
      return character ?? match;
    },
  );
}

/** What 0x80 to 0x9F are in Windows-1252: numbers of it are used where Unicode has control characters, as HTML knows. */
const WINDOWS_1252 = '€\u0081‚ƒ„…†‡ˆ‰Š‹Œ\u008dŽ\u008f\u0090‘’“”•–—˜™š›œ\u009džŸ';

/** Empty for what XML cannot hold. */
function characterOfCode(code: number): string {
  if (code >= 0x80 && code <= 0x9f) return WINDOWS_1252.charAt(code - 0x80);
  if (code < 0x20) return code === 9 || code === 10 || code === 13 ? String.fromCharCode(code) : '';
  const isSurrogate = code >= 0xd800 && code <= 0xdfff;
  return isSurrogate || code === 0xfffe || code === 0xffff || code > 0x10ffff
    ? ''
    : String.fromCodePoint(code);
}
