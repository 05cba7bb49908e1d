import { Metadata, type ServiceError, status } from '@grpc/grpc-js';
import { BusError } from '@podctl/platform/bus.ts';
import { EventsUnavailable } from '@podctl/platform/event-stream.ts';
import { KvUnavailable } from '@podctl/platform/kv.ts';
import { LibraryError, type LibraryErrorCode } from '@podctl/platform/library.ts';
import { AccessRefused } from '../shell/access.ts';
import { OrderFailed } from '../shell/order-failed.ts';
import { DETAILS_KEY, errorDetails, type FailureReason } from './error-details.ts';

/** Why a call cannot be answered as asked. Message and hint make one sentence for people. */
export interface Failure {
  readonly kind: FailureKind;
  /** For programs; that of the kind when absent. */
  readonly reason?: FailureReason;
  /** What was seen, and what was expected. */
  readonly message: string;
  /** What to do next; absent where the message says it, or nothing helps. */
  readonly hint?: string;
  /** The field of the request that is wrong, as the .proto file names it. */
  readonly field?: string;
  /** When the same may be asked again. */
  readonly retryAfterMs?: number;
}

export type FailureKind =
  | 'invalid'
  | 'not_found'
  | 'conflict'
  | 'precondition'
  | 'exhausted'
  | 'unavailable'
  | 'cancelled'
  /** It took longer than a call may. */
  | 'deadline'
  /** Nobody knows who calls. */
  | 'unauthenticated'
  /** Who calls may not do this. */
  | 'forbidden'
  /** There is no such method in this version. */
  | 'unimplemented'
  /** A bug: the message says nothing of it, the log does. */
  | 'internal';

/** The one place where failures become gRPC status codes. */
const codes: { readonly [K in FailureKind]: status } = {
  invalid: status.INVALID_ARGUMENT,
  not_found: status.NOT_FOUND,
  conflict: status.ALREADY_EXISTS,
  precondition: status.FAILED_PRECONDITION,
  exhausted: status.RESOURCE_EXHAUSTED,
  unavailable: status.UNAVAILABLE,
  cancelled: status.CANCELLED,
  deadline: status.DEADLINE_EXCEEDED,
  unauthenticated: status.UNAUTHENTICATED,
  forbidden: status.PERMISSION_DENIED,
  unimplemented: status.UNIMPLEMENTED,
  internal: status.INTERNAL,
};

/** Where gRPC's own retry policies look for it. */
const RETRY_KEY = 'grpc-retry-pushback-ms';

export const STOPPING: Failure = {
  kind: 'unavailable',
  reason: 'STOPPING',
  message: 'this coordinator is stopping',
  hint: 'ask again in a few seconds, or ask another one',
};

/** The reason with which a call's signal is aborted. */
export class CallEnded extends Error {
  readonly failure: Failure;
  constructor(failure: Failure) {
    super(failure.message);
    this.name = 'CallEnded';
    this.failure = failure;
  }
}

const AGAIN = 'try again in a few seconds';

/** What was thrown on the way to an answer. What is not known here is a bug. */
export function failureOf(error: unknown): Failure {
  if (error instanceof CallEnded) return error.failure;
  if (error instanceof KvUnavailable)
    return {
      kind: 'unavailable',
      reason: 'NATS_UNAVAILABLE',
      message: 'the NATS server did not answer in time',
      hint: `${AGAIN}; if it lasts, "podctl doctor" says why`,
    };
  if (error instanceof EventsUnavailable)
    return {
      kind: 'unavailable',
      reason: 'NATS_UNAVAILABLE',
      message: 'the stream of events in NATS did not answer',
      hint: `${AGAIN}; if it lasts, see whether NATS has room for it (events.storeMax)`,
    };
  if (error instanceof OrderFailed)
    return { kind: 'unavailable', reason: 'ORDER_FAILED', message: error.message, hint: AGAIN };
  if (error instanceof BusError)
    return {
      kind: 'unavailable',
      reason: 'NO_LEADER',
      message: 'no coordinator leads now',
      hint: `${AGAIN}; if it lasts, "podctl status" says why`,
    };
  if (error instanceof AccessRefused) return { kind: 'precondition', message: error.message };
  if (error instanceof LibraryError) return libraryFailure(error.code);
  return {
    kind: 'internal',
    message: 'the coordinator failed on this request',
    hint: "the coordinator's log says why",
  };
}

function libraryFailure(code: LibraryErrorCode): Failure {
  if (code === 'missing')
    return {
      kind: 'not_found',
      reason: 'FILE_MISSING',
      message: 'the file was accepted, but the library does not have it any more',
      hint: 'look whether the library was moved or changed by hand',
    };
  return {
    kind: 'unavailable',
    reason: 'LIBRARY_UNAVAILABLE',
    message: `the library cannot be read (${code})`,
    hint: 'look whether its disk or mount is there, then try again',
  };
}

/** As grpc-js takes it. The details go through encodeURI, which throws on half a surrogate pair. */
export function serviceError(failure: Failure): Partial<ServiceError> & Error {
  const status = statusOf(failure);
  return Object.assign(new Error(status.details), status);
}

/** As an interceptor ends a call with it. */
export function statusOf(failure: Failure) {
  const { kind, message, hint, retryAfterMs } = failure;
  const code = codes[kind];
  const details = (hint === undefined ? message : `${message}: ${hint}`).toWellFormed();
  const metadata = new Metadata();
  metadata.set(DETAILS_KEY, errorDetails(failure, code, details));
  if (retryAfterMs !== undefined) metadata.set(RETRY_KEY, String(Math.ceil(retryAfterMs)));
  return { code, details, metadata };
}

/** The name of the code, for metrics. */
export function codeName(failure: Failure | null): string {
  return failure === null ? 'OK' : (status[codes[failure.kind]] ?? 'UNKNOWN');
}
