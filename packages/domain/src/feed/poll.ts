import { parseFeedDate } from './date.ts';

export interface PollPolicy {
  /** Of a feed whose rhythm is not known. */
  readonly pollEveryMs: number;
  /** Bounds of what a feed's rhythm makes of it; absent ones are `pollEveryMs`. */
  readonly pollEveryMsMin?: number;
  readonly pollEveryMsMax?: number;
  readonly backoffFirstMs: number;
  readonly backoffMaxMs: number;
  /** Failures in a row after which a feed is shown as failing, and alerts. */
  readonly failingAfter: number;
}

export const POLL_POLICY: PollPolicy = {
  pollEveryMs: 60 * 60_000,
  backoffFirstMs: 60_000,
  backoffMaxMs: 30 * 60_000,
  failingAfter: 3,
};

/** A host that asks for longer is asked again after this. */
const RETRY_AFTER_MS_MAX = 24 * 3_600_000;

/** What came back of one fetch. */
export type FetchOutcome =
  | {
      readonly kind: 'response';
      readonly status: number;
      readonly contentType: string | null;
      /** The `Retry-After` header as it was sent. */
      readonly retryAfter: string | null;
      readonly etag: string | null;
      readonly lastModified: string | null;
      /** Where it was read in the end: relative URLs are resolved against it. */
      readonly finalUrl: string;
      /** The URL to keep from now on, when only permanent redirects led to it; else null. */
      readonly movedTo: string | null;
      /** Decompressed; empty unless the status is 2xx. */
      readonly body: Uint8Array;
      readonly wireBytes: number;
      /** Whether an ETag or a date was sent along: else 304 says nothing. */
      readonly conditional?: boolean;
      /** It was asked under the other name, since the host refuses our own. */
      readonly fallbackAgent?: boolean;
    }
  /** No usable response: `reason` is a sentence without the URL's secrets. */
  | { readonly kind: 'failed'; readonly reason: string };

export type PollVerdict =
  /** There is a body to parse. */
  | { readonly kind: 'fresh'; readonly movedTo: string | null }
  | { readonly kind: 'unchanged'; readonly movedTo: string | null }
  /** 410: stop polling, keep all that is known. */
  | { readonly kind: 'gone'; readonly reason: string }
  /** Nothing known changes; the failure is counted and shown. */
  | { readonly kind: 'failed'; readonly reason: string; readonly retryAfterMs: number | null };

/** `movedTo` counts only with a success: a redirect into an error page moves nothing. */
export function classify(outcome: FetchOutcome, nowMs: number): PollVerdict {
  if (outcome.kind === 'failed') {
    return { kind: 'failed', reason: outcome.reason, retryAfterMs: null };
  }
  const { status, movedTo } = outcome;
  if (status === 304 && outcome.conditional === false) {
    const reason = 'the host answered "unchanged" (304) when the whole feed was asked for';
    return { kind: 'failed', reason, retryAfterMs: null };
  }
  if (status === 304) return { kind: 'unchanged', movedTo };
  if (status === 410) return { kind: 'gone', reason: 'the host says that the feed is gone (410)' };
  if (status < 200 || status > 299) {
    const retryAfterMs = parseRetryAfterMs(outcome.retryAfter, nowMs);
    return { kind: 'failed', reason: reasonOf(status), retryAfterMs };
  }
  if (outcome.body.byteLength === 0) {
    const reason = `the host answered ${status} with an empty body where a feed was expected`;
    return { kind: 'failed', reason, retryAfterMs: null };
  }
  return { kind: 'fresh', movedTo };
}

/** Milliseconds to wait by `Retry-After`, seconds or a date; null when absent or unreadable; a day at most. */
export function parseRetryAfterMs(header: string | null, nowMs: number): number | null {
  if (header === null) return null;
  const text = header.trim();
  const dateMs = parseFeedDate(text, nowMs);
  const waitMs = /^\d{1,10}$/.test(text)
    ? Number(text) * 1000
    : dateMs === null
      ? null
      : dateMs - nowMs;
  return waitMs === null ? null : Math.min(Math.max(0, waitMs), RETRY_AFTER_MS_MAX);
}

/** Shown as failing and alerted; it recovers with the next success. */
export function isFailing(failures: number, policy: PollPolicy): boolean {
  return failures >= policy.failingAfter;
}

function reasonOf(status: number): string {
  if (status === 401) return 'the host asks for a user and password (401): put them into the URL';
  if (status === 403) return 'the host refuses us (403)';
  if (status === 404) return 'the host does not find the feed (404): check its URL';
  if (status === 429) return 'the host says that we ask too often (429)';
  return `the host answered ${status} where 200 was expected`;
}
