import type { FeedDocument } from '@podctl/domain/feed/feed-document.ts';
import { keptProblems } from '@podctl/domain/feed/feed-problem.ts';
import type { PollPolicy } from '@podctl/domain/feed/poll.ts';
import { afterPoll, type PollCame } from '@podctl/domain/feed/polling.ts';
import { nextPoll, nextTry, rhythmOf } from '@podctl/domain/feed/schedule.ts';
import {
  type BreakOff,
  type FeedLedger,
  type FeedReading,
  type FeedRecord,
  formerUrlsOf,
} from '@podctl/domain/feed-record.ts';
import { type FeedVerdict, standing } from './feed-verdict.ts';

/** How a poll ended, in the terms of the feed's record. */
export interface PollResult {
  readonly verdict: FeedVerdict;
  /** What the document brought; null when none was sent. */
  readonly read: {
    readonly document: FeedDocument;
    readonly brokeOff?: BreakOff | undefined;
    /** Something of it was left for the next poll. */
    readonly isUnfinished?: boolean | undefined;
    readonly etag: string | null;
    readonly lastModified: string | null;
    readonly listed: number;
    readonly ledger: FeedLedger;
    /** Episodes that nobody knew before. */
    readonly fresh: number;
  } | null;
  /** The URL to keep from now on; the feed's own when nothing moved. */
  readonly url: string;
  /** What else is wrong, one sentence; null when nothing is. */
  readonly remark: string | null;
  readonly fallbackAgent: boolean | null;
}

/** A feed that is gone is not asked again. */
const NEVER_MS = 100 * 365 * 86_400_000;

/**
 * A feed's record after a poll. `polled` is the record as it was when the poll began: whoever asked for another poll since gets
 * one, of the whole feed where it is another filter that was asked for. `random` is in [0, 1).
 */
export function recordAfterPoll(
  record: FeedRecord,
  result: PollResult,
  policy: PollPolicy,
  polled: Pick<FeedRecord, 'nextPollMs' | 'choices'>,
  nowMs: number,
  random: number,
): FeedRecord {
  const { verdict, read, url, remark } = result;
  const stands = standing(
    record,
    verdict,
    read?.document.problems ?? [],
    nowMs,
    policy.failingAfter,
  );
  const rhythm = read === null ? null : rhythmOf(read.document, nowMs);
  const { failures = 0 } = stands;
  const fresh = read?.fresh ?? 0;
  const end = { came: cameOf(verdict, fresh), fresh, rhythm, fallbackAgent: result.fallbackAgent };
  const learned = afterPoll(record.polling, { ...end, why: '' }, nowMs);
  const next = nextOf(verdict, { failures, nowMs, random }, policy, learned);
  const isFilterNew = filterText(record) !== filterText(polled);
  const askedSince = record.nextPollMs === 0 && (polled.nextPollMs !== 0 || isFilterNew);
  return {
    ...record,
    ...stands,
    problem: remark ?? stands.problem ?? null,
    ...(read === null ? {} : kept(record, read, nowMs)),
    // What was read went through the old one: nobody may say "unchanged" to the new one.
    ...(isFilterNew ? { etag: null, lastModified: null } : {}),
    url,
    formerUrls: formerUrlsOf(record, url),
    nextPollMs: askedSince ? 0 : next.atMs,
    polling: { ...learned, why: next.why },
  };
}

function filterText({ choices }: Pick<FeedRecord, 'choices'>): string {
  return JSON.stringify(choices?.filter ?? null);
}

function kept(record: FeedRecord, read: NonNullable<PollResult['read']>, nowMs: number) {
  const { document, brokeOff, isUnfinished = false, etag, lastModified, listed, ledger } = read;
  const title = document.title || record.title;
  // Of a part nobody may say "unchanged" later: the rest of it would never be read.
  const validators =
    document.isPartial === true || isUnfinished
      ? { etag: null, lastModified: null }
      : { etag, lastModified };
  return {
    title,
    ...validators,
    listed,
    ledger,
    reading: { ...readingOf(document, nowMs), brokeOff },
  };
}

function readingOf({ itemsSeen, pages = 1, problems }: FeedDocument, atMs: number): FeedReading {
  return { atMs, items: itemsSeen, pages, problems: keptProblems(problems) };
}

function cameOf(verdict: FeedVerdict, fresh: number): PollCame {
  switch (verdict.kind) {
    case 'fresh':
      return fresh > 0 ? 'new' : 'unchanged';
    case 'unchanged':
    case 'gone':
    case 'failed':
      return verdict.kind;
  }
}

function nextOf(
  verdict: FeedVerdict,
  { failures, nowMs, random }: { failures: number; nowMs: number; random: number },
  policy: PollPolicy,
  learned: FeedRecord['polling'],
) {
  switch (verdict.kind) {
    case 'fresh':
    case 'unchanged':
      return nextPoll(nowMs, policy, learned, random);
    case 'gone':
      return { atMs: nowMs + NEVER_MS, why: 'the host says that it is gone for good' };
    case 'failed':
      return nextTry(nowMs, policy, { failures, retryAfterMs: verdict.retryAfterMs }, random);
  }
}
