import type { Medium } from '@podctl/domain/feed/enclosure.ts';
import type { FeedDocument } from '@podctl/domain/feed/feed-document.ts';
import { FeedPages, type PageLimits } from '@podctl/domain/feed/feed-pages.ts';
import { askedAs } from '@podctl/domain/feed/redirect.ts';

export interface ReadingChoices {
  readonly pagesMax: number;
  readonly media: readonly Medium[];
}

export const READING: ReadingChoices = { pagesMax: 100, media: ['audio'] };

export interface PagedFeedOptions extends PageLimits {
  nowMs(): number;
  /** What is at a URL, or why it cannot be read, the rest of a sentence. Rejects only when it is called off. */
  readPage(url: string): Promise<FeedDocument | string>;
}

/** All further pages of one feed: whoever is slow with each of them does not hold the poller up for hours. */
const PAGES_MS_MAX = 5 * 60_000;

/**
 * The document with what its further pages list. `feedUrl` is where the feed is kept, `finalUrl` where it was read; the
 * feed's user and password go along to its own host alone.
 */
export async function readPages(
  options: PagedFeedOptions,
  first: FeedDocument,
  [feedUrl, finalUrl]: readonly [feedUrl: string, finalUrl: string],
): Promise<FeedDocument> {
  const pages = new FeedPages(first, [feedUrl, finalUrl], options);
  const beganMs = options.nowMs();
  // `FeedPages` ends circles, and has a limit of pages.
  for (let next = pages.next; next !== null; next = pages.next) {
    const isLate = options.nowMs() - beganMs > PAGES_MS_MAX;
    const late = `the pages before it took longer than ${PAGES_MS_MAX / 1_000} s`;
    const page = isLate ? late : await options.readPage(askedAs(feedUrl, next));
    if (typeof page === 'string') pages.fail(page);
    else pages.add(page);
  }
  return pages.finish();
}
