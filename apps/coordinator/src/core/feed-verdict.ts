import type { FeedProblem } from '@podctl/domain/feed/feed-problem.ts';
import { classify, type FetchOutcome, type PollVerdict } from '@podctl/domain/feed/poll.ts';
import type { FeedRecord } from '@podctl/domain/feed-record.ts';

/** What stood between us and a feed that can be read; `network` and `parser` are everything that may pass by itself. */
export type FeedFault =
  /** The address guard refused it. */
  | 'address'
  /** No URL that can be asked, or a redirect that leads nowhere. */
  | 'url'
  | 'size'
  /** It is no feed: HTML, JSON, not XML, an encoding that was not asked for. */
  | 'document'
  | 'network'
  | 'parser';

/** A fetch's outcome, with the kind of what went wrong. */
export type FeedOutcome =
  | Extract<FetchOutcome, { kind: 'response' }>
  | { readonly kind: 'failed'; readonly reason: string; readonly fault: FeedFault };

type Failed = Extract<PollVerdict, { kind: 'failed' }>;

/** A poll's verdict; `isLasting`: asking again soon will give the same, so the feed is failing at once. */
export type FeedVerdict =
  | Exclude<PollVerdict, Failed>
  | (Failed & {
      readonly isLasting: boolean;
    });

/** A client error (4xx) lasts until somebody changes something, except these, which are about the moment. */
const PASSING_STATUS: readonly number[] = [408, 421, 423, 425, 429];

export function isLastingStatus(status: number): boolean {
  return status >= 400 && status <= 499 && !PASSING_STATUS.includes(status);
}

export function isLastingFault(fault: FeedFault): boolean {
  switch (fault) {
    case 'address':
    case 'url':
    case 'size':
    case 'document':
      return true;
    case 'network':
    case 'parser':
      return false;
  }
}

export function judge(outcome: FeedOutcome, nowMs: number): FeedVerdict {
  const verdict = classify(outcome, nowMs);
  if (verdict.kind !== 'failed') return verdict;
  const isLasting =
    outcome.kind === 'failed' ? isLastingFault(outcome.fault) : isLastingStatus(outcome.status);
  return { ...verdict, isLasting };
}

/** What a verdict makes of a feed's record. `failingAfter`: failed polls in a row after which it is failing. */
export function standing(
  record: Pick<FeedRecord, 'failures'>,
  verdict: FeedVerdict,
  problems: readonly FeedProblem[],
  nowMs: number,
  failingAfter: number,
): Partial<Pick<FeedRecord, 'failures' | 'lastSuccessMs' | 'problem'>> {
  const atOnce = Math.max(record.failures + 1, failingAfter);
  switch (verdict.kind) {
    case 'fresh':
      // What was read all the same, or passed over by rule, is no trouble of the feed's: `reading` has it.
      return { failures: 0, lastSuccessMs: nowMs, problem: lostMessage(problems) };
    case 'unchanged':
      return { failures: 0, lastSuccessMs: nowMs, problem: null };
    case 'gone':
      return { failures: atOnce, problem: verdict.reason };
    case 'failed':
      // A feed that is failing is asked all the same, and the first good answer ends it.
      return {
        failures: verdict.isLasting ? atOnce : record.failures + 1,
        problem: verdict.reason,
      };
  }
}

function lostMessage(problems: readonly FeedProblem[]): string | null {
  return problems.find(({ kind }) => kind === 'lost')?.message ?? null;
}
