import type { FeedProblem } from './feed/feed-problem.ts';
import type { LedgerCounts } from './feed/ledger-entry.ts';
import type { FeedPolling } from './feed/polling.ts';
import { type FeedChoices, NO_CHOICES } from './feed-choices.ts';
import type { FeedPurge } from './feed-purge.ts';
import type { ClusterId, FeedId, Nonce } from './ids.ts';

/** A feed as its key holds it: what to fetch, how it went, and how often the ledger was folded. */
export interface FeedRecord {
  readonly cluster: ClusterId;
  readonly nonce: Nonce;
  readonly feed: FeedId;
  /** With its secrets; never shown. */
  readonly url: string;
  /** Where it was before, newest first: whoever still has one of these adds no second feed. */
  readonly formerUrls: readonly string[];
  /** The title that the feed gave last, else the one given when it was added, else null. */
  readonly title: string | null;
  readonly addedMs: number;
  /** 1 to 10; null until known. */
  readonly bookScore: number | null;
  /** Raised by CAS before each fold, so that two pollers cannot both fold. */
  readonly generation: number;
  /** Stored only after the episodes are: a crash between must not make the next poll answer "unchanged". */
  readonly etag: string | null;
  readonly lastModified: string | null;
  readonly lastSuccessMs: number | null;
  /** Failures in a row. */
  readonly failures: number;
  /** Not to be polled before. */
  readonly nextPollMs: number;
  /** What went wrong at the last poll, one sentence; null when nothing did. */
  readonly problem: string | null;
  /** Episodes that the feed listed at its last success. */
  readonly listed: number;
  /** What people chose for it; absent where nobody did. */
  readonly choices?: FeedChoices | undefined;
  /** Nobody wants it any more: it is hidden and rests. Its episodes are kept, so that it can come back as it was. */
  readonly removed?: boolean | undefined;
  /** Its files go or are gone; absent while nobody asked for that, and again once it is back. */
  readonly purge?: FeedPurge | undefined;
  /** How its newest document was read; "unchanged" leaves it as it is. Absent until one was. */
  readonly reading?: FeedReading | undefined;
  /** What polls have taught; absent before the first, and in records of older versions. */
  readonly polling?: FeedPolling | undefined;
  /** What its ledger came to at the last fold; absent before the first, and in records of older versions. */
  readonly ledger?: FeedLedger | undefined;
}

/** What a feed's ledger came to, and of what: the same again need not be folded. */
export interface FeedLedger extends LedgerCounts {
  /** Names the items that were folded last, and under which filter. */
  readonly digest: string;
  /** Names the filter. */
  readonly filter: string;
  /** Hosts that its episodes' URLs name, where they are several. */
  readonly hosts?: number | undefined;
}

/** What reading a document gave beside its episodes. */
export interface FeedReading {
  readonly atMs: number;
  /** Items of any kind in it: more than the episodes where some carry no audio. */
  readonly items: number;
  /** Pages that it was read from. */
  readonly pages: number;
  /** As `keptProblems` gives them. */
  readonly problems: readonly FeedProblem[];
  /** Absent where it had its end. */
  readonly brokeOff?: BreakOff | undefined;
}

/** Where documents without their end break off, and since when they do so there. */
export interface BreakOff {
  /** Only equality counts. */
  readonly mark: string;
  readonly sinceMs: number;
}

export function choicesOf(record: FeedRecord | null): FeedChoices {
  return record?.choices ?? NO_CHOICES;
}

/** Whether its jobs may begin. What nobody has read the record of is not paused. */
export function mayBegin(record: FeedRecord | null): boolean {
  return record === null || (record.removed !== true && !choicesOf(record).paused);
}

const FORMER_URLS_MAX = 5;

/** The former URLs after a move to `url`. */
export function formerUrlsOf(
  { url: before, formerUrls }: Pick<FeedRecord, 'url' | 'formerUrls'>,
  url: string,
): readonly string[] {
  if (url === before) return formerUrls;
  const former = [before, ...formerUrls.filter((one) => one !== before)];
  return former.filter((one) => one !== url).slice(0, FORMER_URLS_MAX);
}

/** 3 until known: the seed's rule. */
export const BOOK_SCORE_UNKNOWN = 3;
