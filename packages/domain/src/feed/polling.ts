/** What polls have taught about a feed, beside how the last one went. All of it may be lost: it is learned again. */
export interface FeedPolling {
  /** When the last poll ended, epoch milliseconds. */
  readonly lastMs: number;
  readonly came: PollCame;
  /** Episodes that the last poll brought. */
  readonly fresh: number;
  /** Why the next poll is when it is: the rest of "next in 2 h, since …". */
  readonly why: string;
  /** When the whole feed was last sent, not "unchanged"; null when that is not known. */
  readonly fullMs: number | null;
  /** When something new came last, by our clock. */
  readonly newMs: number | null;
  /** Mean milliseconds between polls that brought something new; null before the second. */
  readonly arrivalGapMs: number | null;
  /** What the document said last; null before the first. */
  readonly rhythm: FeedRhythm | null;
  /** The host refuses our own User-Agent and took the other one. */
  readonly fallbackAgent: boolean;
}

export const POLL_CAME = ['new', 'unchanged', 'failed', 'gone'] as const;

/** `gone`: the host says that the feed is no more; nobody asks it again by itself. */
export type PollCame = (typeof POLL_CAME)[number];

/** How often a feed brings something, by its own words. */
export interface FeedRhythm {
  /** The median of the milliseconds between its newest items; null when their dates do not tell. */
  readonly gapMs: number | null;
  /** The date of the newest one, epoch milliseconds. */
  readonly newestMs: number | null;
  /** It asks not to be asked more often (`ttl`); null when it does not. */
  readonly everyMs: number | null;
  /** It says that nothing more is to come. */
  readonly isComplete: boolean;
}

export function isGone(polling: FeedPolling | undefined): boolean {
  return polling?.came === 'gone';
}

/** A host may latch a stale ETag and say "unchanged" for ever (newsboat#3340): so often the whole feed is asked for. */
export const FULL_EVERY_MS = 7 * 86_400_000;

/** Whether the next poll asks for the whole feed, whatever its ETag says. */
export function wantsWhole(polling: FeedPolling | undefined, nowMs: number): boolean {
  const fullMs = polling?.fullMs ?? null;
  return fullMs !== null && (nowMs - fullMs >= FULL_EVERY_MS || fullMs > nowMs);
}

/** What one poll came to. */
export interface PollEnd {
  readonly came: PollCame;
  readonly fresh: number;
  readonly why: string;
  /** The document was sent, and what it says of its rhythm; null when it was not. */
  readonly rhythm: FeedRhythm | null;
  /** Null: nobody answered. */
  readonly fallbackAgent: boolean | null;
}

const UNKNOWN = {
  fullMs: null,
  newMs: null,
  arrivalGapMs: null,
  rhythm: null,
  fallbackAgent: false,
} as const;

/** What is known after a poll. The first one brings an archive: that counts from the date of its newest item. */
export function afterPoll(
  before: FeedPolling | undefined,
  { came, fresh, why, rhythm, fallbackAgent }: PollEnd,
  nowMs: number,
): FeedPolling {
  const known = before ?? UNKNOWN;
  // A record of an older version does not know when: it is counted from now.
  const isFull = rhythm !== null || (came === 'unchanged' && known.fullMs === null);
  return {
    lastMs: nowMs,
    came,
    fresh,
    why,
    fullMs: isFull ? nowMs : known.fullMs,
    ...(fresh === 0 ? { newMs: known.newMs, arrivalGapMs: known.arrivalGapMs } : arrival()),
    rhythm: rhythm ?? known.rhythm,
    fallbackAgent: fallbackAgent ?? known.fallbackAgent,
  };

  function arrival() {
    if (known.newMs === null) return { newMs: firstMs(rhythm, nowMs), arrivalGapMs: null };
    return { newMs: nowMs, arrivalGapMs: meanOf(known.arrivalGapMs, nowMs - known.newMs) };
  }
}

function firstMs(rhythm: FeedRhythm | null, nowMs: number): number {
  return Math.max(0, Math.min(nowMs, rhythm?.newestMs ?? nowMs));
}

/** The newer ones count for more. */
function meanOf(mean: number | null, gapMs: number): number {
  return Math.max(0, Math.round(mean === null ? gapMs : (2 * mean + gapMs) / 3));
}
