export interface DecodedText {
  readonly text: string;
  /** WHATWG name of the encoding used. */
  readonly encoding: string;
  /** What was not as declared, one sentence; null when all was. */
  readonly problem: string | null;
}

/**
 * The text of an XML document, whatever its encoding. In order: byte order mark; UTF-16 by its zero bytes; a declared
 * 7-bit encoding; UTF-8 when every byte agrees (a wrong label is common, bytes that happen to be UTF-8 are not);
 * the HTTP charset; the XML declaration; Windows-1252.
 */
export function decodeXml(bytes: Uint8Array, contentType: string | null): DecodedText {
  const marked = encodingByMark(bytes) ?? encodingByZeros(bytes);
  if (marked !== null) return decodeAs(bytes, marked, null);
  const declared = [charsetOf(contentType), declaredEncoding(bytes)].map(knownEncoding);
  const [first = null] = declared.filter((encoding) => encoding !== null);
  if (first === 'iso-2022-jp') return decodeAs(bytes, first, null);
  if (isUtf8(bytes)) return decodeAs(bytes, 'utf-8', null);
  const other = declared.find((encoding) => encoding !== null && encoding !== 'utf-8');
  if (other !== undefined && other !== null) return decodeAs(bytes, other, null);
  if (first === 'utf-8') {
    return decodeAs(
      bytes,
      'utf-8',
      'some bytes are not of the declared encoding, UTF-8, and were lost',
    );
  }
  return decodeAs(bytes, 'windows-1252', 'no encoding is declared: read as Windows-1252');
}

function decodeAs(bytes: Uint8Array, encoding: string, problem: string | null): DecodedText {
  return { text: new TextDecoder(encoding).decode(bytes), encoding, problem };
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

function isUtf8(bytes: Uint8Array): boolean {
  try {
    new TextDecoder('utf-8', { fatal: true }).decode(bytes);
    return true;
  } catch {
    return false;
  }
}
