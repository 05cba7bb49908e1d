import { parseRetryAfterMs } from '@podctl/domain/feed/poll.ts';
import { isRedirect } from '@podctl/domain/feed/redirect.ts';
import type { HostName } from '@podctl/domain/host-name.ts';
import { unaskedWhole } from './range-answer.ts';

/** Why a download did not come about. */
export interface DownloadFault {
  /** For machines. */
  readonly code: string;
  /** One sentence, without the URL, which may hold a secret. */
  readonly reason: string;
  readonly retryAfterMs: number | null;
  /** No further attempt can help. */
  readonly final: boolean;
  /** The host that answered, or did not, behind all redirects; null: none was asked. */
  readonly host: HostName | null;
  /** Its HTTP status; null when it did not get so far, or the status is not what went wrong. */
  readonly status: number | null;
}

export type HttpAnswer =
  /** `lengthBytes` as the host says; null when it does not. */
  | { readonly kind: 'body'; readonly lengthBytes: number | null }
  | { readonly kind: 'redirect' }
  | { readonly kind: 'fault'; readonly fault: DownloadFault };

/**
 * What an answer to a GET of audio means. Only 410 is final: a 404 comes and goes with caches and uploads. A host that
 * asks for patience (429, 503) tells for how long.
 */
export function judgeAnswer(
  status: number,
  headers: {
    readonly contentLength: string | null;
    readonly retryAfter: string | null;
    readonly contentRange?: string | null;
  },
  nowMs: number,
): HttpAnswer {
  if (isRedirect(status)) return { kind: 'redirect' };
  if (status === 200) return { kind: 'body', lengthBytes: lengthOf(headers.contentLength) };
  const unasked = status === 206 ? unaskedWhole(headers.contentRange ?? null) : null;
  if (unasked !== null) return { kind: 'body', lengthBytes: unasked.lengthBytes };
  const fault: DownloadFault = {
    code: `http_${status}`,
    reason: sentence(status),
    // RFC 9110 knows it of 503 and 429 only; hosts that ban send it with a 403.
    retryAfterMs: status < 400 ? null : parseRetryAfterMs(headers.retryAfter, nowMs),
    final: status === 410,
    host: null,
    status,
  };
  return { kind: 'fault', fault };
}

function lengthOf(header: string | null): number | null {
  return header !== null && /^\d{1,15}$/.test(header.trim()) ? Number(header) : null;
}

function sentence(status: number): string {
  switch (status) {
    case 401:
    case 407:
      return `The host asks for a user and password (${status}).`;
    case 403:
      return 'The host refuses us (403).';
    case 404:
      return 'The host does not find the audio (404).';
    case 410:
      return 'The host says that the audio is gone for good (410).';
    case 429:
      return 'The host says that we ask too often (429).';
    case 503:
      return 'The host is busy (503).';
    default:
      return `The host answered ${status} where the audio was expected.`;
  }
}
