import type { FeedDocument } from '@podctl/domain/feed/feed-document.ts';
import { wantsWhole } from '@podctl/domain/feed/polling.ts';
import type { FeedRecord } from '@podctl/domain/feed-record.ts';
import { newAddress } from '../core/feed-address.ts';
import { type FeedOutcome, type FeedVerdict, isLastingFault, judge } from '../core/feed-verdict.ts';
import type { BodyRoom } from './body-room.ts';
import type { FeedSource } from './feed-source.ts';
import { type ReadingChoices, readPages } from './paged-feed.ts';

export interface PolledFeedOptions {
  readonly feeds: FeedSource;
  readonly itemsMax: number;
  readonly reading: ReadingChoices;
  nowMs(): number;
}

/** How it is to be asked. */
export interface FeedAsk {
  /** Whatever its ETag says. */
  readonly whole: boolean;
  readonly room: BodyRoom;
  /** The host has answered, or has not. */
  readonly fetched: (outcome: FeedOutcome) => void;
}

type Response = Extract<FeedOutcome, { kind: 'response' }>;

export type PolledFeed =
  | {
      readonly kind: 'document';
      readonly document: FeedDocument;
      readonly response: Response;
      readonly movedTo: string | null;
    }
  | {
      readonly kind: 'verdict';
      readonly verdict: Exclude<FeedVerdict, { kind: 'fresh' }>;
      readonly fallbackAgent: boolean | null;
    };

/** Fetches and parses a feed with all its pages, where it says that it moved to. Rejects only with the reason of `signal`. */
export async function readFeed(
  options: PolledFeedOptions,
  record: FeedRecord,
  ask: FeedAsk,
  signal: AbortSignal,
): Promise<PolledFeed> {
  const found = await readFirst(options, record, ask, signal);
  if (found.kind !== 'document' || found.document.nextPageUrl === null) return found;
  const first = { ...record, url: found.movedTo ?? record.url, etag: null, lastModified: null };
  const pageAsk = { ...ask, fetched: () => {} };
  const readPage = async (url: string) => {
    const page = await readAt(options, { ...first, url }, pageAsk, signal);
    if (page.kind === 'document') return page.document;
    return page.verdict.kind === 'unchanged' ? 'it is not there' : page.verdict.reason;
  };
  const document = await readPages({ ...options, ...options.reading, readPage }, found.document, [
    first.url,
    found.response.finalUrl,
  ]);
  return { ...found, document };
}

async function readFirst(
  options: PolledFeedOptions,
  record: FeedRecord,
  ask: FeedAsk,
  signal: AbortSignal,
): Promise<PolledFeed> {
  const isWhole = ask.whole || wantsWhole(record.polling, options.nowMs());
  const first = await readAt(
    options,
    isWhole ? { ...record, etag: null, lastModified: null } : record,
    ask,
    signal,
  );
  if (first.kind !== 'document') return first;
  const { document, response } = first;
  const next = newAddress(record, response.finalUrl, document.newFeedUrl);
  if (!next.ok) return withProblem(first, next.error);
  if (next.value === null) return first;
  const there = { ...record, url: next.value, etag: null, lastModified: null };
  const second = await readAt(options, there, { ...ask, fetched: () => {} }, signal);
  // Believed when a feed is there: a wrong word in a document must not lose the feed.
  if (second.kind === 'document') return { ...second, movedTo: second.movedTo ?? next.value };
  const why = second.verdict.kind === 'unchanged' ? 'it is not there' : second.verdict.reason;
  return withProblem(first, `it says that it moved, but it could not be read there: ${why}`);
}

async function readAt(
  { feeds, itemsMax, reading, nowMs }: PolledFeedOptions,
  { url, etag, lastModified, polling }: FeedRecord,
  { room, fetched }: FeedAsk,
  signal: AbortSignal,
): Promise<PolledFeed> {
  const fallbackAgent = polling?.fallbackAgent ?? false;
  const outcome = await feeds.fetch({ url, etag, lastModified, fallbackAgent, room }, signal);
  fetched(outcome);
  const verdict = judge(outcome, nowMs());
  const agent = outcome.kind === 'response' ? (outcome.fallbackAgent ?? false) : null;
  if (verdict.kind !== 'fresh' || outcome.kind !== 'response')
    return { kind: 'verdict', verdict: notFresh(verdict), fallbackAgent: agent };
  const { body: bytes, contentType, finalUrl: feedUrl } = outcome;
  const request = { bytes, contentType, feedUrl, nowMs: nowMs(), itemsMax, media: reading.media };
  const parsed = await feeds.parse(request, signal);
  if (parsed.ok)
    return {
      kind: 'document',
      document: parsed.value,
      response: outcome,
      movedTo: verdict.movedTo,
    };
  const reason = `the answer could not be read: ${parsed.error}`;
  const isLasting = isLastingFault(parsed.fault);
  return {
    kind: 'verdict',
    verdict: { kind: 'failed', reason, retryAfterMs: null, isLasting },
    fallbackAgent: agent,
  };
}

function notFresh(verdict: FeedVerdict): Exclude<FeedVerdict, { kind: 'fresh' }> {
  if (verdict.kind !== 'fresh') return verdict;
  throw new Error('broken invariant: only a response is fresh');
}

function withProblem<R extends PolledFeed & { kind: 'document' }>(reading: R, problem: string): R {
  const { document } = reading;
  const lost = { kind: 'lost', message: problem, count: 1, place: null } as const;
  return { ...reading, document: { ...document, problems: [lost, ...document.problems] } };
}
