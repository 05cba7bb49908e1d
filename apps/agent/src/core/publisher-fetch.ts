import type { OfferedTranscript } from '@podctl/domain/feed/feed-document.ts';
import { withoutSecrets } from '@podctl/domain/feed/url.ts';
import type { ManifestDetail } from '@podctl/domain/manifest.ts';
import { err, ok, type Result } from '@podctl/domain/result.ts';
import {
  formOf,
  isTimed,
  offeredForm,
  type PublisherForm,
} from '@podctl/domain/transcript/publisher-form.ts';

const URL_SHOWN_MAX = 1_000;
/** Of a host that has enough of us nothing more is asked here. */
const ENOUGH = [403, 429, 503];

/** The text of a file, in the encoding that its first bytes name; UTF-8 where they name none. */
export function textOf(bytes: Uint8Array): string {
  const [first, second] = bytes;
  const isLittle = first === 0xff && second === 0xfe;
  const isBig = first === 0xfe && second === 0xff;
  return new TextDecoder(isLittle ? 'utf-16le' : isBig ? 'utf-16be' : 'utf-8').decode(bytes);
}

/** What came for an offer; an error is a code. Hosts answer with web pages and error messages under a good status. */
export function judgeForm(
  { type, url }: OfferedTranscript,
  text: string,
): Result<PublisherForm, string> {
  const offered = offeredForm(type, url);
  const form = formOf(text);
  if (form === null) return err('no_text');
  if (form === 'json' && !text.includes('"segments"')) return err('not_a_transcript');
  const isLess = offered !== null && isTimed(offered) && !isTimed(form);
  return isLess || (form === 'html' && offered !== 'html') ? err('not_a_transcript') : ok(form);
}

export function isEnough(status: number | null): boolean {
  return status !== null && ENOUGH.includes(status);
}

/** What the manifest tells of it beside the file. */
export function keptDetails(
  { url, language }: OfferedTranscript,
  file: string,
): Readonly<Record<string, ManifestDetail>> {
  return {
    publisher: file,
    publisherUrl: withoutSecrets(url).slice(0, URL_SHOWN_MAX),
    publisherLanguage: language,
  };
}

/** @param faults one code for each offer that was asked for, in their order. */
export function missedDetails(faults: readonly string[]): Readonly<Record<string, ManifestDetail>> {
  return { publisher: null, publisherFault: faults.join(' ').slice(0, 200) };
}
