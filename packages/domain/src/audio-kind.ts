/** What the first bytes of a body are. */
export type BodyKind =
  | { readonly kind: 'audio'; readonly extension: string }
  /** A text that a host sends in the place of audio. */
  | { readonly kind: 'page'; readonly what: 'HTML' | 'JSON' | 'XML' | 'a text' }
  /** None of these: whether it can be decoded decides. */
  | { readonly kind: 'unknown' };

/** So many bytes are looked at. */
export const SNIFF_BYTES = 512;

/** By content, never by name or type: hosts send error pages as audio/mpeg, and audio as octet-stream. */
export function sniff(head: Uint8Array): BodyKind {
  const text = latin1(head);
  const extension = audioExtension(head, text);
  if (extension !== null) return { kind: 'audio', extension };
  const what = pageKind(text);
  return what === null ? { kind: 'unknown' } : { kind: 'page', what };
}

interface Signature {
  readonly text: string;
  readonly at: number;
  /** Something that must also be in the first bytes. */
  readonly also: string;
  readonly extension: string;
}

/** The first that fits counts. */
const SIGNATURES: readonly Signature[] = [
  { text: 'ID3', at: 0, also: '', extension: 'mp3' },
  { text: 'fLaC', at: 0, also: '', extension: 'flac' },
  { text: 'OggS', at: 0, also: 'OpusHead', extension: 'opus' },
  { text: 'OggS', at: 0, also: '', extension: 'ogg' },
  { text: 'WAVE', at: 8, also: 'RIFF', extension: 'wav' },
  { text: 'AIF', at: 8, also: 'FORM', extension: 'aiff' },
  { text: 'ftypM4', at: 4, also: '', extension: 'm4a' },
  { text: 'ftyp', at: 4, also: '', extension: 'mp4' },
  { text: '\x1aE\xdf\xa3', at: 0, also: 'webm', extension: 'webm' },
  { text: '\x1aE\xdf\xa3', at: 0, also: '', extension: 'mka' },
  { text: '0&\xb2u\x8ef\xcf\x11', at: 0, also: '', extension: 'wma' },
];

function audioExtension(head: Uint8Array, text: string): string | null {
  const found = SIGNATURES.find(
    (signature) => text.startsWith(signature.text, signature.at) && text.includes(signature.also),
  );
  return found?.extension ?? mpegExtension(head);
}

/** A frame's sync word: eleven set bits, then version and layer; layer 0 is AAC in ADTS. */
function mpegExtension(head: Uint8Array): string | null {
  const [first = 0, second = 0, third = 0] = head;
  if (first !== 0xff || (second & 0xe0) !== 0xe0) return null;
  const layer = (second >> 1) & 3;
  if (layer === 0) return (second & 0xf6) === 0xf0 ? 'aac' : null;
  const isFrame = ((second >> 3) & 3) !== 1 && third >> 4 !== 15 && ((third >> 2) & 3) !== 3;
  return isFrame ? 'mp3' : null;
}

function pageKind(text: string): 'HTML' | 'JSON' | 'XML' | 'a text' | null {
  const start = text
    .replace(/^(?:\xef\xbb\xbf)?\s*(?:<!--.*?-->\s*)*/s, '')
    .slice(0, 200)
    .toLowerCase();
  if (/^<(?:!doctype html|html|head|body|script|title|meta|div|p>|h1)/.test(start)) return 'HTML';
  if (start.startsWith('<?xml') || /^<(?:error|rss|feed)\b/.test(start)) return 'XML';
  if (/^[[{]\s*["\]}[{\d]/.test(start)) return 'JSON';
  return start !== '' && /^[\t\n\r\x20-\x7e]*$/.test(text) ? 'a text' : null;
}

function latin1(bytes: Uint8Array): string {
  return String.fromCharCode(...bytes.subarray(0, SNIFF_BYTES));
}
