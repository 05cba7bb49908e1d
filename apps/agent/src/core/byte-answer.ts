/** What a coordinator's answer about a job's bytes means to the agent that asked. */
export type ByteAnswer =
  /** It was taken; or, of an input, its bytes follow. */
  | { readonly kind: 'ok' }
  /** The file ends elsewhere: go on from there. */
  | { readonly kind: 'offset'; readonly offsetBytes: number }
  /** The lock is not this token's any more: nothing of it is wanted. */
  | { readonly kind: 'gone' }
  /** What lies there is not what was announced: it was dropped. */
  | { readonly kind: 'damaged' }
  /** The input is another one than was told, or is not there. */
  | { readonly kind: 'changed' }
  | { readonly kind: 'missing' }
  /** Asking again cannot help: a bug, or a forged ticket. */
  | { readonly kind: 'refused' }
  /** Not now, or not here. `afterMs`: not before; null where the coordinator does not say. */
  | { readonly kind: 'again'; readonly afterMs: number | null };

const RETRY_AFTER_S_MAX = 300;

/** `uploadOffset` and `retryAfter` are the header fields of these names. */
export function judgeByteAnswer(
  status: number,
  uploadOffset: string | null,
  retryAfter: string | null,
): ByteAnswer {
  if (status >= 200 && status < 300) return { kind: 'ok' };
  switch (status) {
    case 404:
      return { kind: 'missing' };
    case 409: {
      const offsetBytes = wholeOf(uploadOffset);
      return offsetBytes === null
        ? { kind: 'again', afterMs: null }
        : { kind: 'offset', offsetBytes };
    }
    case 410:
      return { kind: 'gone' };
    case 412:
      return { kind: 'changed' };
    case 422:
      return { kind: 'damaged' };
    case 408:
    case 425:
    case 429:
      return again(retryAfter);
    default:
      return status >= 500 ? again(retryAfter) : { kind: 'refused' };
  }
}

/** Its own words for bytes that are not the ones that its URL was signed for. */
const DAMAGED_CODES = ['BadDigest', 'XAmzContentChecksumMismatch', 'XAmzContentSHA256Mismatch'];

/**
 * What an answer of the library's own store (S3) means. Its URLs are good for a short while and were judged by who made
 * them: whatever it refuses is asked for anew. `code` is that of its error; empty where it gave none.
 */
export function judgeStoreAnswer(
  status: number,
  code: string,
  retryAfter: string | null,
): ByteAnswer {
  if (status >= 200 && status < 300) return { kind: 'ok' };
  return DAMAGED_CODES.includes(code) ? { kind: 'damaged' } : again(retryAfter);
}

/** How much of a file is there, from the fields of an answer to HEAD; null when they do not say. */
export function uploadProgress(uploadOffset: string | null): number | null {
  return wholeOf(uploadOffset);
}

/** Where a body begins, and how long the whole is; null for fields that do not say it. */
export function bodyPlace(
  status: number,
  contentRange: string | null,
  contentLength: string | null,
): { readonly startBytes: number; readonly totalBytes: number } | null {
  if (status === 200) {
    const totalBytes = wholeOf(contentLength);
    return totalBytes === null ? null : { startBytes: 0, totalBytes };
  }
  const [, start, , total] =
    /^bytes (\d{1,15})-(\d{1,15})\/(\d{1,15})$/.exec(contentRange ?? '') ?? [];
  return start === undefined || total === undefined
    ? null
    : { startBytes: Number(start), totalBytes: Number(total) };
}

/** The length of the whole in the answer to a range that is not there (416). */
export function wholeLength(contentRange: string | null): number | null {
  return wholeOf(/^bytes \*\/(\d{1,15})$/.exec(contentRange ?? '')?.[1] ?? null);
}

function again(retryAfter: string | null): ByteAnswer {
  const seconds = wholeOf(retryAfter);
  return {
    kind: 'again',
    afterMs: seconds === null ? null : Math.min(seconds, RETRY_AFTER_S_MAX) * 1000,
  };
}

function wholeOf(text: string | null): number | null {
  return text !== null && /^\d{1,15}$/.test(text) ? Number(text) : null;
}
