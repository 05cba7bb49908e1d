import { err, ok, type Result } from '../result.ts';

export interface RepairedXml {
  readonly text: string;
  /** What was mended, a sentence each. */
  readonly problems: readonly string[];
}

/** HTML's names for U+00A0 to U+00FF, in order: feeds use them though XML does not know them. */
const LATIN_1_NAMES = (
  'nbsp iexcl cent pound curren yen brvbar sect uml copy ordf laquo not shy reg macr deg plusmn sup2 sup3 acute micro ' +
  'para middot cedil sup1 ordm raquo frac14 frac12 frac34 iquest Agrave Aacute Acirc Atilde Auml Aring AElig Ccedil ' +
  'Egrave Eacute Ecirc Euml Igrave Iacute Icirc Iuml ETH Ntilde Ograve Oacute Ocirc Otilde Ouml times Oslash Ugrave ' +
  'Uacute Ucirc Uuml Yacute THORN szlig agrave aacute acirc atilde auml aring aelig ccedil egrave eacute ecirc euml ' +
  'igrave iacute icirc iuml eth ntilde ograve oacute ocirc otilde ouml divide oslash ugrave uacute ucirc uuml yacute ' +
  'thorn yuml'
).split(' ');

const CHARACTER_OF_NAME: ReadonlyMap<string, string> = new Map([
  ...LATIN_1_NAMES.map((name, i): [string, string] => [name, String.fromCharCode(0xa0 + i)]),
  ['ndash', '–'],
  ['mdash', '—'],
  ['lsquo', '‘'],
  ['rsquo', '’'],
  ['sbquo', '‚'],
  ['ldquo', '“'],
  ['rdquo', '”'],
  ['bdquo', '„'],
  ['bull', '•'],
  ['hellip', '…'],
  ['euro', '€'],
  ['trade', '™'],
]);

const XML_NAMES: ReadonlySet<string> = new Set(['amp', 'lt', 'gt', 'quot', 'apos']);

/** How far into a document its first markup is looked for. */
const HEAD_LENGTH = 65_536;
const PREAMBLE = /^(?:\s+|\uFEFF|<!--[\s\S]*?-->)*/;

/**
 * Makes text that a strict XML tokenizer can go through, without guessing at structure: what precedes the first markup
 * is dropped, control characters too, ampersands that begin no reference are escaped, HTML's named characters are
 * written out. Entities that a DTD defines stay unexpanded text, which is why entity bombs do nothing.
 * An error, one sentence, when it is plainly something else.
 */
export function repairXml(text: string): Result<RepairedXml, string> {
  const begun = withoutPreamble(text);
  if (!begun.ok) return begun;
  const problems = [...begun.value.problems];
  let controls = 0;
  let ampersands = 0;
  const cleaned = begun.value.text.replace(/(?![\t\n\r])[\p{Cc}\ufffe\uffff]/gu, () => {
    controls++;
    return '';
  });
  const repaired = cleaned.replace(
    /<!\[CDATA\[[\s\S]*?(?:\]\]>|$)|<!--[\s\S]*?(?:-->|$)|&(?:(#\d{1,8}|#x[0-9a-f]{1,7}|[a-z][a-z0-9]{0,31});)?/gi,
    (match: string, reference: string | undefined) => {
      if (match.startsWith('<')) return match;
      const character = characterOf(reference);
      if (character !== null) return character;
      ampersands++;
      return `&amp;${match.slice(1)}`;
    },
  );
  if (controls > 0) problems.push(`control characters dropped: ${controls}`);
  if (ampersands > 0)
    problems.push(`ampersands that begin no known entity, kept as text: ${ampersands}`);
  return ok({ text: repaired, problems });
}

/** What stands for a reference, itself if XML knows it; null when the ampersand is to be escaped. */
function characterOf(reference: string | undefined): string | null {
  if (reference === undefined) return null;
  if (XML_NAMES.has(reference)) return `&${reference};`;
  if (!reference.startsWith('#')) return CHARACTER_OF_NAME.get(reference) ?? null;
  const isHex = /^#x/i.test(reference);
  return characterOfCode(Number.parseInt(reference.slice(isHex ? 2 : 1), isHex ? 16 : 10));
}

/** Empty for what XML cannot hold. */
function characterOfCode(code: number): string {
  // Numbers of Windows-1252 where Unicode has control characters: what was meant is known (HTML does the same).
  if (code >= 0x80 && code <= 0x9f) {
    return new TextDecoder('windows-1252').decode(Uint8Array.of(code));
  }
  if (code < 0x20) return code === 9 || code === 10 || code === 13 ? `&#${code};` : '';
  const isSurrogate = code >= 0xd800 && code <= 0xdfff;
  return isSurrogate || code === 0xfffe || code === 0xffff || code > 0x10ffff ? '' : `&#${code};`;
}

function withoutPreamble(text: string): Result<RepairedXml, string> {
  const begun = text.slice(PREAMBLE.exec(text)?.[0].length ?? 0);
  if (begun === '') return err('it is empty');
  if (/^<(?:!doctype\s+html|html[\s>])/i.test(begun)) return err('it is an HTML page, not a feed');
  if (/^[[{]/.test(begun)) return err('it is JSON, not a feed');
  if (/^<(?:\?xml|!doctype|rss|feed|opml|rdf:|[a-z0-9]+:)/i.test(begun)) {
    return ok({ text: begun, problems: [] });
  }
  const at = begun
    .slice(0, HEAD_LENGTH)
    .search(/<(?:\?xml[\s-]|rss[\s>]|feed[\s>]|opml[\s>]|rdf:rdf[\s>])/i);
  if (at < 0) {
    return begun.startsWith('<') ? ok({ text: begun, problems: [] }) : err('it is not XML');
  }
  return ok({ text: begun.slice(at), problems: ['text before the XML was dropped'] });
}
