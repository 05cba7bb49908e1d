import type { Medium } from '@podctl/domain/feed/enclosure.ts';
import type { FeedDocument } from '@podctl/domain/feed/feed-document.ts';
import { FeedPages, isSameFeed } from '@podctl/domain/feed/feed-pages.ts';
import type { FeedProblem } from '@podctl/domain/feed/feed-problem.ts';
import { askedAs } from '@podctl/domain/feed/redirect.ts';
import type { FeedRecord } from '@podctl/domain/feed-record.ts';
import type { Clock } from '@podctl/platform/clock.ts';
import { type FeedOutcome, judge } from '../core/feed-verdict.ts';
import type { ParseOutcome } from './feed-parser.ts';
import type { FeedSource } from './feed-source.ts';

export interface ReadingChoices {
  readonly pagesMax: number;
  readonly media: readonly Medium[];
}

export const READING: ReadingChoices = { pagesMax: 100, media: ['audio'] };

export interface FeedReadingOptions {
  readonly clock: Clock;
  readonly feeds: FeedSource;
  readonly itemsMax: number;
  readonly reading: ReadingChoices;
}

type Response = Extract<FeedOutcome, { kind: 'response' }>;

export interface ReadFeed {
  readonly document: FeedDocument;
  /** Of its first page, where it is read from now on. */
  readonly response: Response;
  /** Where the feed says that it moved to, and was found; null when it stays. */
  readonly movedTo: string | null;
}

export type ReadOutcome =
  | { readonly ok: true; readonly value: ReadFeed }
  | Extract<ParseOutcome, { ok: false }>;

/** A feed that says that it moved, and moved on from there: as many steps are followed. */
const MOVES_MAX = 3;
/** All further pages of one feed: whoever is slow with each of them does not hold the poller up for hours. */
const PAGES_MS_MAX = 5 * 60_000;

/**
 * All that a feed's answer leads to: where it says that it moved to (`itunes:new-feed-url`), then its further pages. The
 * address guard and the limits of a fetch hold for each of them; the feed's user and password go to its own host alone.
 * Rejects only with the reason of `signal`.
 */
export async function readFeed(
  options: FeedReadingOptions,
  record: Pick<FeedRecord, 'url'>,
  response: Response,
  signal: AbortSignal,
): Promise<ReadOutcome> {
  const parsed = await parse(options, response, signal);
  if (!parsed.ok) return parsed;
  const began: ReadFeed = { document: parsed.value, response, movedTo: null };
  const moved = await followMoves(options, record.url, began, signal);
  const document = await readPages(options, moved.movedTo ?? record.url, moved, signal);
  return { ok: true, value: { ...moved, document } };
}

async function followMoves(
  options: FeedReadingOptions,
  url: string,
  began: ReadFeed,
  signal: AbortSignal,
): Promise<ReadFeed> {
  let at = began;
  const visited = [url, began.response.finalUrl];
  for (let moves = 0; moves < MOVES_MAX; moves++) {
    const target = at.document.newFeedUrl;
    const places = [at.movedTo ?? url, at.response.finalUrl];
    if (target === null || places.some((one) => isSameFeed(one, target))) return at;
    // Followed, it would move at each poll.
    if (visited.some((one) => isSameFeed(one, target)))
      return withProblem(began, 'it says that it moved in a circle, so it stays where it is');
    visited.push(target);
    const to = askedAs(at.movedTo ?? url, target);
    const found = await readOne(options, to, signal);
    if (typeof found === 'string') {
      return withProblem(at, `it says that it moved, but there it could not be read: ${found}`);
    }
    at = { ...found, movedTo: found.response.movedTo ?? to };
  }
  return withProblem(at, `it says that it moved more than ${MOVES_MAX} times`);
}

/** What is at a URL, or why it cannot be read, the rest of a sentence. */
async function readOne(
  options: FeedReadingOptions,
  url: string,
  signal: AbortSignal,
): Promise<Pick<ReadFeed, 'document' | 'response'> | string> {
  const request = { url, etag: null, lastModified: null };
  const response = await options.feeds.fetch(request, signal);
  const verdict = judge(response, options.clock.wallMs());
  if (verdict.kind === 'failed' || verdict.kind === 'gone') return verdict.reason;
  if (verdict.kind !== 'fresh' || response.kind !== 'response') return 'it has no document';
  const parsed = await parse(options, response, signal);
  return parsed.ok ? { document: parsed.value, response } : parsed.error;
}

async function readPages(
  options: FeedReadingOptions,
  url: string,
  { document, response }: ReadFeed,
  signal: AbortSignal,
): Promise<FeedDocument> {
  if (document.nextPageUrl === null) return document;
  const { itemsMax, reading, clock } = options;
  const limits = { itemsMax, pagesMax: reading.pagesMax };
  const pages = new FeedPages(document, [url, response.finalUrl], limits);
  const beganMs = clock.monotonicMs();
  for (let next = pages.next; next !== null; next = pages.next) {
    const isLate = clock.monotonicMs() - beganMs > PAGES_MS_MAX;
    const late = `the pages before took longer than ${PAGES_MS_MAX / 1_000} s`;
    const page = isLate ? late : await readOne(options, askedAs(url, next), signal);
    if (typeof page === 'string') pages.fail(page);
    else pages.add(page.document);
  }
  return pages.finish();
}

function parse(
  { feeds, clock, itemsMax, reading }: FeedReadingOptions,
  { body: bytes, contentType, finalUrl: feedUrl }: Response,
  signal: AbortSignal,
): Promise<ParseOutcome> {
  const { media } = reading;
  const nowMs = clock.wallMs();
  return feeds.parse({ bytes, contentType, feedUrl, nowMs, itemsMax, media }, signal);
}

function withProblem(read: ReadFeed, message: string): ReadFeed {
  const problem: FeedProblem = { kind: 'left_out', message, count: 1, place: null };
  const problems = [...read.document.problems, problem];
  return { ...read, document: { ...read.document, problems } };
}
