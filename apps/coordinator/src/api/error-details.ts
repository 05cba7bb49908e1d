import type { Any } from '@podctl/proto/google/protobuf/any.ts';
import { BadRequest, ErrorInfo, RetryInfo } from '@podctl/proto/google/rpc/error_details.ts';
import { Status } from '@podctl/proto/google/rpc/status.ts';
import { durationOf } from './duration-map.ts';
import type { Failure, FailureKind } from './status.ts';

/**
 * What failed, for programs: a reason is never renamed, and one that is not known here is told by its kind. A client that
 * waits, asks again or gives up decides by it and by the status code, never by the words.
 */
export const FAILURE_REASONS = [
  'ACCESS_NOT_ASKED',
  'AGENT_NOT_FOUND',
  'ALREADY_EXISTS',
  'CALLER_LEFT',
  'CALLS_TOO_MANY',
  'CALLS_TOO_OFTEN',
  'CONDITION_NOT_MET',
  'DEADLINE_PASSED',
  'EPISODE_AMBIGUOUS',
  'EPISODE_NOT_FOUND',
  'FEED_NOT_FOUND',
  'FILE_MISSING',
  'INTERNAL',
  'INVALID_FIELD',
  'KEY_REUSED',
  'LIBRARY_UNAVAILABLE',
  'LIMIT_REACHED',
  'LOCK_NOT_HELD',
  'METHOD_UNKNOWN',
  'NATS_UNAVAILABLE',
  'NOT_FOUND',
  'NO_LEADER',
  'ORDER_FAILED',
  'PAGE_TOKEN_UNKNOWN',
  'PERMISSION_DENIED',
  'REQUEST_TOO_LARGE',
  'REQUEST_UNREADABLE',
  'RESULT_ACCEPTED',
  'ROLE_TOO_LOW',
  'STOPPING',
  'TOKEN_INVALID',
  'TOKEN_MISSING',
  'UNAVAILABLE',
  'UNAUTHENTICATED',
] as const;

export type FailureReason = (typeof FAILURE_REASONS)[number];

/** Where a failure says no more. */
const REASON_OF_KIND: { readonly [K in FailureKind]: FailureReason } = {
  invalid: 'INVALID_FIELD',
  not_found: 'NOT_FOUND',
  conflict: 'ALREADY_EXISTS',
  precondition: 'CONDITION_NOT_MET',
  exhausted: 'LIMIT_REACHED',
  unavailable: 'UNAVAILABLE',
  cancelled: 'CALLER_LEFT',
  deadline: 'DEADLINE_PASSED',
  unauthenticated: 'UNAUTHENTICATED',
  forbidden: 'PERMISSION_DENIED',
  unimplemented: 'METHOD_UNKNOWN',
  internal: 'INTERNAL',
};

const DOMAIN = 'podctl';
const TYPE_PREFIX = 'type.googleapis.com/google.rpc';

/** The trailer in which clients of every language look for what a status code cannot say. */
export const DETAILS_KEY = 'grpc-status-details-bin';

/** A google.rpc.Status as bytes. @param sentence the whole of what the status says in words. */
export function errorDetails(failure: Failure, code: number, sentence: string): Buffer {
  const { kind, reason = REASON_OF_KIND[kind], hint, field, message, retryAfterMs } = failure;
  const metadata = hint === undefined ? {} : { hint: hint.toWellFormed() };
  const details = [
    any('ErrorInfo', ErrorInfo.encode({ reason, domain: DOMAIN, metadata }).finish()),
  ];
  if (field !== undefined) {
    const fieldViolations = [{ field, description: message.toWellFormed() }];
    details.push(any('BadRequest', BadRequest.encode({ fieldViolations }).finish()));
  }
  if (retryAfterMs !== undefined)
    details.push(
      any('RetryInfo', RetryInfo.encode({ retryDelay: durationOf(retryAfterMs) }).finish()),
    );
  return Buffer.from(Status.encode({ code, message: sentence, details }).finish());
}

function any(type: string, value: Uint8Array): Any {
  return { typeUrl: `${TYPE_PREFIX}.${type}`, value: Buffer.from(value) };
}
