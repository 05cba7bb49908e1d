import type { OfferedTranscript } from '../feed/feed-document.ts';
import { URL_HREF_LENGTH_MAX } from '../feed/url.ts';
import { isTimed, offeredForm, PUBLISHER_FORMS } from './publisher-form.ts';

/** So many of an episode's are asked for, one after the other, until one comes. */
export const OFFERS_MAX = 3;
const LABEL_LENGTH_MAX = 60;

/**
 * The offers that are worth asking for, the best first: those with times before those without, `json` before `vtt` before
 * `srt`, and of one kind those that name the language before those that name none. A translation is none: what names
 * another language is left out. Where nobody knows what is spoken, the one that the feed names first counts.
 *
 * @param language ISO 639 or BCP 47, of what is spoken; null where it is not known.
 */
export function chooseOffers(
  offers: readonly OfferedTranscript[],
  language: string | null,
): readonly OfferedTranscript[] {
  const firstNamed = offers.find((offer) => offer.language !== null)?.language ?? null;
  const spoken = primaryLanguage(language ?? firstNamed);
  return offers
    .filter(({ url }) => url.length <= URL_HREF_LENGTH_MAX)
    .filter((offer) => spoken === null || fits(primaryLanguage(offer.language), spoken))
    .map((offer, at) => ({ offer, at, rank: rankOf(offer) }))
    .sort((a, b) => a.rank - b.rank || a.at - b.at)
    .slice(0, OFFERS_MAX)
    .map(({ offer }) => ({
      url: offer.url,
      type: shortOrNull(offer.type),
      language: shortOrNull(offer.language),
    }));
}

/** `en` of `en-US`; null for what is no language. */
export function primaryLanguage(language: string | null): string | null {
  const [, primary = null] = /^([a-z]{2,3})(?:[-_]|$)/i.exec(language?.trim() ?? '') ?? [];
  return primary?.toLowerCase() ?? null;
}

function fits(offered: string | null, spoken: string): boolean {
  return offered === null || offered === spoken;
}

function rankOf({ type, url, language }: OfferedTranscript): number {
  const form = offeredForm(type, url);
  // What does not say what it is may be anything: behind what has times, before what has none.
  const kind = form === null ? 2.5 : PUBLISHER_FORMS.indexOf(form);
  const isNamed = language !== null;
  return (form !== null && !isTimed(form) ? 100 : 0) + 2 * kind + (isNamed ? 0 : 1);
}

function shortOrNull(text: string | null): string | null {
  return text === null || text === '' || text.length > LABEL_LENGTH_MAX ? null : text;
}
