import type { FeedProblem } from './feed-problem.ts';

export interface DecodedText {
  readonly text: string;
  /** WHATWG name of the encoding used. */
  readonly encoding: string;
  /** What was not as declared, and what was lost. */
  readonly problems: readonly FeedProblem[];
}

/** Of the characters that are not ASCII, the share that must be sound UTF-8 for the rest to count as damage. */
const SOUND_RATIO = 0.8;

/**
 * The text of an XML document, whatever its encoding. In order: byte order mark; UTF-16 by its zero bytes; a declared
 * 7-bit encoding; UTF-8 when every byte agrees (a wrong label is common, bytes that happen to be UTF-8 are not);
 * UTF-8 when nearly all of it agrees, as of a document that was cut within a character; the HTTP charset; the XML
 * declaration; Windows-1252. NUL characters are dropped: nothing may hold one.
 */
export function decodeXml(bytes: Uint8Array, contentType: string | null): DecodedText {
  const decoded = decode(bytes, contentType);
  if (!decoded.text.includes('\0')) return decoded;
  const text = decoded.text.replaceAll('\0', '');
  const count = decoded.text.length - text.length;
  const message = `NUL characters dropped: ${count}`;
  const problem: FeedProblem = { kind: 'repaired', message, count, place: null };
  return { ...decoded, text, problems: [...decoded.problems, problem] };
}

function decode(bytes: Uint8Array, contentType: string | null): DecodedText {
  const marked = encodingByMark(bytes) ?? encodingByZeros(bytes);
  if (marked !== null) return decodeAs(bytes, marked, []);
  const declared = [charsetOf(contentType), declaredEncoding(bytes)].map(knownEncoding);
  const [first = null] = declared.filter((encoding) => encoding !== null);
  if (first === 'iso-2022-jp') return decodeAs(bytes, first, []);
  const whole = soundUtf8(bytes);
  if (whole !== null) return { text: whole, encoding: 'utf-8', problems: [] };
  const nearly = nearlyUtf8(bytes);
  if (nearly !== null) return nearly;
  const other = declared.find((encoding) => encoding !== null && encoding !== 'utf-8');
  if (other !== undefined && other !== null) return decodeAs(bytes, other, []);
  const what = first === null ? 'no encoding is declared' : 'it is not UTF-8, as it says';
  const message = `${what}: read as Windows-1252`;
  return decodeAs(bytes, 'windows-1252', [{ kind: 'repaired', message, count: 1, place: null }]);
}

function decodeAs(
  bytes: Uint8Array,
  encoding: string,
  problems: readonly FeedProblem[],
): DecodedText {
  const text = new TextDecoder(encoding).decode(bytes);
  const lost = lostCharacters(text);
  return { text, encoding, problems: lost === null ? problems : [...problems, lost] };
}

/** Null when more than a little of what is not ASCII is no UTF-8. */
function nearlyUtf8(bytes: Uint8Array): DecodedText | null {
  const decoded = decodeAs(bytes, 'utf-8', []);
  const foreign = count(decoded.text, /[^\0-\x7f]/g);
  const broken = decoded.problems[0]?.count ?? 0;
  return foreign - broken > foreign * SOUND_RATIO ? decoded : null;
}

function lostCharacters(text: string): FeedProblem | null {
  const lost = text.includes('\ufffd') ? count(text, /\ufffd/g) : 0;
  if (lost === 0) return null;
  const message = `characters that are not of its encoding, lost: ${lost}`;
  return { kind: 'lost', message, count: lost, place: null };
}

function count(text: string, pattern: RegExp): number {
  let n = 0;
  pattern.lastIndex = 0;
  while (pattern.test(text)) n++;
  return n;
}

function encodingByMark(bytes: Uint8Array): string | null {
  const [a, b, c] = bytes;
  if (a === 0xef && b === 0xbb && c === 0xbf) return 'utf-8';
  if (a === 0xfe && b === 0xff) return 'utf-16be';
  return a === 0xff && b === 0xfe ? 'utf-16le' : null;
}

/** `<` and another ASCII character, two bytes each. */
function encodingByZeros(bytes: Uint8Array): string | null {
  const [a, b, c, d] = bytes;
  if (a === 0x3c && b === 0 && c !== 0 && d === 0) return 'utf-16le';
  return a === 0 && b === 0x3c && c === 0 && d !== 0 ? 'utf-16be' : null;
}

function charsetOf(contentType: string | null): string | null {
  return /charset\s*=\s*["']?([^\s"';]+)/i.exec(contentType ?? '')?.[1] ?? null;
}

function declaredEncoding(bytes: Uint8Array): string | null {
  const head = new TextDecoder('windows-1252').decode(bytes.subarray(0, 1024));
  return /<\?xml[^>]*?encoding\s*=\s*["']([^"']+)["']/i.exec(head)?.[1] ?? null;
}

/** A declaration that can be read as ASCII is not of UTF-16, whatever it says. */
function knownEncoding(label: string | null): string | null {
  if (label === null) return null;
  try {
    const { encoding } = new TextDecoder(label);
    return encoding.startsWith('utf-16') ? null : encoding;
  } catch {
    return null;
  }
}

function soundUtf8(bytes: Uint8Array): string | null {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    return null;
  }
}
