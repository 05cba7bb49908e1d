/** What a publisher's transcript is, by its content. */
export const PUBLISHER_FORMS = ['json', 'vtt', 'srt', 'html', 'txt'] as const;
export type PublisherForm = (typeof PUBLISHER_FORMS)[number];

/** The forms whose text has times. */
export type TimedForm = Extract<PublisherForm, 'json' | 'vtt' | 'srt'>;

const FORM_OF_TYPE: Readonly<Record<string, PublisherForm>> = {
  'application/json': 'json',
  'application/x-json': 'json',
  'text/json': 'json',
  'text/vtt': 'vtt',
  'application/vtt': 'vtt',
  'text/srt': 'srt',
  'application/srt': 'srt',
  'application/x-srt': 'srt',
  'application/x-subrip': 'srt',
  'text/html': 'html',
  'text/plain': 'txt',
};
const ENDING = /\.(json|vtt|srt|html?|txt)$/i;
const HEAD_LENGTH = 8_192;

export function isTimed(form: PublisherForm): form is TimedForm {
  return form === 'json' || form === 'vtt' || form === 'srt';
}

/** What an offer says that it is: by its media type, else by its URL's ending. Feeds name types wrongly; null when neither tells. */
export function offeredForm(type: string | null, url: string): PublisherForm | null {
  const named = FORM_OF_TYPE[(type ?? '').split(';')[0]?.trim() ?? ''] ?? null;
  const [, found = null] = ENDING.exec(URL.parse(url)?.pathname ?? '') ?? [];
  const ending = found === null ? null : formOfEnding(found.toLowerCase());
  // Many hosts call every text plain.
  return named === null || (named === 'txt' && ending !== null) ? ending : named;
}

function formOfEnding(ending: string): PublisherForm | null {
  return PUBLISHER_FORMS.find((form) => form === (ending === 'htm' ? 'html' : ending)) ?? null;
}

/** What a text is, whatever it was said to be; null for what is no text at all. */
export function formOf(text: string): PublisherForm | null {
  const head = text
    .slice(0, HEAD_LENGTH)
    .replace(/^\uFEFF/, '')
    .trimStart();
  if (head === '' || head.includes('\0')) return null;
  if (/^WEBVTT(?:\s|$)/.test(head)) return 'vtt';
  if (/^\{/.test(head)) return 'json';
  if (/^<(?:!doctype|html|head|body|\?xml|p|div|cite|span|h\d)\b/i.test(head)) return 'html';
  return /\d\s*-->\s*\d/.test(head) ? 'srt' : 'txt';
}

/** Of the file that is kept beside the audio. */
export function publisherFileName(form: PublisherForm): string {
  return `publisher.${form}`;
}

/** The inverse of `publisherFileName`; null for every other file of a download. */
export function publisherFormOf(fileName: string): PublisherForm | null {
  return PUBLISHER_FORMS.find((form) => publisherFileName(form) === fileName) ?? null;
}
