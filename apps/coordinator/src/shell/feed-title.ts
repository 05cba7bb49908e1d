import type { Clock } from '@podctl/platform/clock.ts';
import type { FeedSource } from './feed-source.ts';

export interface FeedTitleOptions {
  readonly clock: Clock;
  readonly feeds: FeedSource;
  /** Its host is asked by others as well: gives null when it has no place for one more until the signal. */
  beside<T>(url: string, signal: AbortSignal, ask: () => Promise<T>): Promise<T | null>;
}

/** Somebody waits for the answer. */
const WITHIN_MS = 5_000;

/** What the feed calls itself, for an id that people can read; null when it does not answer soon, or is no feed. */
export async function feedTitle(
  { clock, feeds, beside }: FeedTitleOptions,
  url: string,
): Promise<string | null> {
  const signal = AbortSignal.timeout(WITHIN_MS);
  try {
    const request = { url, etag: null, lastModified: null };
    const response = await beside(url, signal, () => feeds.fetch(request, signal));
    if (response?.kind !== 'response' || response.status !== 200) return null;
    const { body: bytes, contentType, finalUrl: feedUrl } = response;
    const document = { bytes, contentType, feedUrl, nowMs: clock.wallMs(), itemsMax: 1 };
    const parsed = await feeds.parse(document, signal);
    return parsed.ok && parsed.value.title !== '' ? parsed.value.title : null;
  } catch {
    return null;
  }
}
