import { backoffMs } from '../retry.ts';
import type { FeedDocument } from './feed-document.ts';
import type { PollPolicy } from './poll.ts';
import type { FeedPolling, FeedRhythm } from './polling.ts';

/** When to ask a feed again, and why then: the rest of "next in 2 h, since …". */
export interface NextPoll {
  readonly atMs: number;
  readonly why: string;
}

/** Asked so many times between two episodes, an episode waits for a twelfth of that time at most, half of it in the mean. */
const POLLS_A_GAP = 12;
/** Dates that are looked at, the newest ones: what a show did years ago says little. */
const DATES_MAX = 12;
/** Closer together they are one release: a season put out at once, or an import. */
const RELEASE_MS = 30 * 60_000;
/** ±: what was added or restarted together drifts apart. */
const JITTER = 0.1;
const HOUR_MS = 3_600_000;

/** A longer `ttl` is a mistake. */
const TTL_MINUTES_MAX = 525_600;

/** What a document says of how often something comes. Dates of the future are plans, or wrong. */
export function rhythmOf(
  { items, isComplete = false, ttlMinutes = 0 }: RhythmSource,
  nowMs: number,
): FeedRhythm {
  const dates = items
    .flatMap(({ publishedMs }) => publishedMs ?? [])
    .filter((date) => date <= nowMs)
    .sort((a, b) => b - a);
  const isHint = ttlMinutes > 0 && ttlMinutes <= TTL_MINUTES_MAX;
  return {
    gapMs: medianGap(releases(dates)),
    newestMs: dates[0] ?? null,
    everyMs: isHint ? ttlMinutes * 60_000 : null,
    isComplete,
  };
}

export interface RhythmSource extends Pick<FeedDocument, 'isComplete' | 'ttlMinutes'> {
  readonly items: readonly Pick<FeedDocument['items'][number], 'publishedMs'>[];
}

function releases(newestFirst: readonly number[]): number[] {
  const kept: number[] = [];
  for (const date of newestFirst) {
    const last = kept.at(-1);
    if (last === undefined || last - date >= RELEASE_MS) kept.push(date);
    if (kept.length === DATES_MAX) break;
  }
  return kept;
}

/** Null below three releases: two that happen to be close together are no rhythm. */
function medianGap(newestFirst: readonly number[]): number | null {
  if (newestFirst.length < 3) return null;
  const gaps = newestFirst.slice(1).map((date, i) => (newestFirst[i] ?? date) - date);
  gaps.sort((a, b) => a - b);
  return gaps[Math.floor(gaps.length / 2)] ?? null;
}

/** After a poll that went well. `random` is in [0, 1). */
export function nextPoll(
  nowMs: number,
  policy: PollPolicy,
  polling: FeedPolling | undefined,
  random: number,
): NextPoll {
  const { waitMs, why } = restOf(nowMs, policy, polling);
  const jittered = Math.round(waitMs * (1 - JITTER + 2 * JITTER * random));
  return { atMs: nowMs + jittered, why };
}

/** After a poll that failed: doubling, and never before the host allows. */
export function nextTry(
  nowMs: number,
  policy: PollPolicy,
  last: { readonly failures: number; readonly retryAfterMs: number | null },
  random: number,
): NextPoll {
  const waitMs = backoffMs(last.failures, policy, random);
  const askedMs = last.retryAfterMs ?? 0;
  return askedMs > waitMs
    ? { atMs: nowMs + askedMs, why: 'the host asked to wait so long' }
    : { atMs: nowMs + waitMs, why: 'the last poll failed' };
}

function restOf(nowMs: number, policy: PollPolicy, polling: FeedPolling | undefined) {
  const { pollEveryMs } = policy;
  const minMs = Math.min(policy.pollEveryMsMin ?? pollEveryMs, pollEveryMs);
  const maxMs = Math.max(policy.pollEveryMsMax ?? pollEveryMs, pollEveryMs);
  if (minMs === maxMs) return { waitMs: maxMs, why: 'every feed is asked so often' };
  const { rhythm = null } = polling ?? {};
  if (rhythm?.isComplete === true) return { waitMs: maxMs, why: 'it says that it is complete' };
  const gapMs = rhythm?.gapMs ?? polling?.arrivalGapMs ?? null;
  const own = ownWait(nowMs, gapMs, polling, pollEveryMs);
  const askedMs = rhythm?.everyMs ?? null;
  const isAsked = askedMs !== null && askedMs > own.waitMs && own.waitMs < maxMs;
  const { waitMs, why } = isAsked
    ? { waitMs: askedMs, why: 'it asks not to be asked more often' }
    : own;
  return { waitMs: Math.min(maxMs, Math.max(minMs, waitMs)), why };
}

function ownWait(
  nowMs: number,
  gapMs: number | null,
  polling: FeedPolling | undefined,
  pollEveryMs: number,
) {
  const newestMs = Math.max(polling?.rhythm?.newestMs ?? 0, polling?.newMs ?? 0);
  const silentMs = newestMs === 0 ? 0 : nowMs - newestMs;
  if (gapMs === null) {
    // Of one that brings nothing, however that began, less and less is expected.
    return silentMs / POLLS_A_GAP > pollEveryMs
      ? { waitMs: silentMs / POLLS_A_GAP, why: `nothing new came for ${spanWords(silentMs)}` }
      : { waitMs: pollEveryMs, why: 'how often something comes is not known yet' };
  }
  return silentMs > 2 * gapMs
    ? { waitMs: silentMs / POLLS_A_GAP, why: `nothing new came for ${spanWords(silentMs)}` }
    : { waitMs: gapMs / POLLS_A_GAP, why: `something new comes about every ${spanWords(gapMs)}` };
}

/** `7 days`, `5 hours`: as exact as a rhythm is. */
function spanWords(ms: number): string {
  const days = Math.round(ms / 86_400_000);
  if (days >= 2) return `${days} days`;
  const hours = Math.round(ms / HOUR_MS);
  if (hours >= 2) return `${hours} hours`;
  return `${Math.max(1, Math.round(ms / 60_000))} minutes`;
}
