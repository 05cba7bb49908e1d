import type { Clock } from '@podctl/platform/clock.ts';
import { type FeedFetchOptions, fetchFeed } from './feed-fetch.ts';
import type { FeedParser } from './feed-parser.ts';

export interface FeedTitleOptions {
  readonly clock: Clock;
  readonly parser: FeedParser;
  readonly fetch: FeedFetchOptions;
}

/** Somebody waits for the answer. */
const WITHIN_MS = 5_000;

/** What the feed calls itself, for an id that people can read; null when it does not answer soon, or is no feed. */
export async function feedTitle(
  { clock, parser, fetch }: FeedTitleOptions,
  url: string,
): Promise<string | null> {
  const signal = AbortSignal.timeout(WITHIN_MS);
  try {
    const response = await fetchFeed({ url, etag: null, lastModified: null }, fetch, signal);
    if (response.kind !== 'response' || response.status !== 200) return null;
    const { body: bytes, contentType, finalUrl: feedUrl } = response;
    const document = { bytes, contentType, feedUrl, nowMs: clock.wallMs(), itemsMax: 1 };
    const parsed = await parser.parseFeed(document, signal);
    return parsed.ok && parsed.value.title !== '' ? parsed.value.title : null;
  } catch {
    return null;
  }
}
