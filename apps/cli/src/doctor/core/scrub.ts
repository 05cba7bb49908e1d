const HIDDEN = '***';
const SHORTEST_KNOWN = 6;

const KEY =
  '[A-Za-z0-9_-]{0,40}(?:password|passwd|passphrase|secret|api[_-]?key|private[_-]?key|keypem|seed|cookie|authorization|credentials?|token|jwt)';
/** What stands between a name and its value, quoted or within a quoted JSON text. */
const IS = '(?:\\\\*["\'])?\\s{0,4}[:=]\\s{0,4}';

/** By what stands before it; a fencing token is a number, and stays. */
const named: readonly (readonly [RegExp, string])[] = [
  [
    /\b((?:set-)?cookie|(?:proxy-)?authorization)(\s*[:=]\s*)(?!\\*["'])[^\n"'\\]+/gi,
    `$1$2${HIDDEN}`,
  ],
  [/\b(bearer|basic)\s+[A-Za-z0-9._~+/=-]{6,}/gi, `$1 ${HIDDEN}`],
  [new RegExp(`(${KEY}${IS})"(?!\\d+")(?:[^"\\\\\\n]|\\\\.)*"`, 'gi'), `$1"${HIDDEN}"`],
  [new RegExp(`(${KEY}${IS})(\\\\+)"(?!\\d+\\\\)[^"\\n]*?\\\\+"`, 'gi'), `$1$2"${HIDDEN}$2"`],
  [new RegExp(`(${KEY}${IS})'[^'\\n]*'`, 'gi'), `$1'${HIDDEN}'`],
  [
    new RegExp(`(${KEY}${IS})(?!\\d+(?:[^A-Za-z0-9._-]|$))[^\\s"'\\\\,;}&{[]+`, 'gim'),
    `$1${HIDDEN}`,
  ],
];

/** By what it looks like. */
const shaped: readonly (readonly [RegExp, string])[] = [
  // Keys and NATS credentials, also when the end is cut off, or the line ends are written as \n.
  [
    /-----BEGIN (?!CERTIFICATE-----)[A-Z ]{1,40}-----[\s\S]*?(?:-{4,6}END [A-Z ]{1,40}-{4,6}|$)/g,
    HIDDEN,
  ],
  // What is left of one whose beginning is cut off.
  [/^(?:[A-Za-z0-9+/=]{1,80}\n){1,80}-{4,6}END [A-Z ]{1,40}-{4,6}/gm, HIDDEN],
  [/^[A-Za-z0-9+/]{20,}={0,2}$/gm, HIDDEN],
  [/\bp[a-z]1\.[A-Za-z0-9._~-]{8,}/g, HIDDEN],
  [/\bS[A-Z][A-Z2-7]{56}\b/g, HIDDEN],
  [/\beyJ[\w-]{8,}\.[\w-]{8,}(?:\.[\w-]*)?/g, HIDDEN],
  // A path or a query may open a private feed.
  [
    /\b(https?:\/\/)(?:[^/?#\s"'\\<>@]*@)?([^/?#\s"'\\<>]*)(?:[/?#][^\s"'\\<>]+)/gi,
    `$1$2/${HIDDEN}`,
  ],
  [/\b([a-z][a-z0-9+.-]{0,30}:\/\/)[^/?#\s"'\\<>]*@/gi, `$1${HIDDEN}@`],
  // Random text of upper and lower case and digits: no id or hash of ours looks so.
  [
    /(?<![A-Za-z0-9_-])(?=[a-z0-9_-]*[A-Z])(?=[A-Z0-9_-]*[a-z])(?=[A-Za-z_-]*\d)[A-Za-z0-9_-]{32,}/g,
    HIDDEN,
  ],
];

/**
 * The text without anything that opens something: the secrets that are known here, wherever they stand, and what looks
 * like one or stands where one would. JSON stays JSON. More is hidden than need be, never less.
 */
export function scrubbed(text: string, known: readonly string[]): string {
  let clean = text;
  for (const secret of known)
    if (secret.length >= SHORTEST_KNOWN)
      for (const form of formsOf(secret)) clean = clean.replaceAll(form, HIDDEN);
  for (const [pattern, hidden] of [...shaped, ...named]) clean = clean.replace(pattern, hidden);
  return clean;
}

/** As it is, within JSON (and within JSON of JSON), and within a URL. */
function formsOf(secret: string): readonly string[] {
  const inJson = JSON.stringify(secret).slice(1, -1);
  const twice = JSON.stringify(inJson).slice(1, -1);
  return [...new Set([secret, inJson, twice, encodeURIComponent(secret)])];
}
