import { Metadata, type ServiceError, status } from '@grpc/grpc-js';
import { BusError } from '@podctl/platform/bus.ts';
import { EventsUnavailable } from '@podctl/platform/event-stream.ts';
import { KvUnavailable } from '@podctl/platform/kv.ts';
import { LibraryError, type LibraryErrorCode } from '@podctl/platform/library.ts';
import { AccessRefused } from '../shell/access.ts';
import { OrderFailed } from '../shell/order-failed.ts';

/** Why a call cannot be answered as asked. The message is one sentence for people: what was seen, and what to do next. */
export interface Failure {
  readonly kind: FailureKind;
  readonly message: string;
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
  unauthenticated: status.UNAUTHENTICATED,
  forbidden: status.PERMISSION_DENIED,
  unimplemented: status.UNIMPLEMENTED,
  internal: status.INTERNAL,
};

/** Where gRPC's own retry policies look for it. */
const RETRY_KEY = 'grpc-retry-pushback-ms';

export const STOPPING: Failure = {
  kind: 'unavailable',
  message: 'this coordinator is stopping: ask again in a few seconds, or ask another one',
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

/** What was thrown on the way to an answer. What is not known here is a bug. */
export function failureOf(error: unknown): Failure {
  if (error instanceof CallEnded) return error.failure;
  if (error instanceof KvUnavailable)
    return {
      kind: 'unavailable',
      message: 'the NATS server did not answer in time: try again in a few seconds',
    };
  if (error instanceof EventsUnavailable)
    return {
      kind: 'unavailable',
      message: `${error.message}: try again in a few seconds; the coordinator's log says why when it lasts`,
    };
  if (error instanceof OrderFailed)
    return { kind: 'unavailable', message: `${error.message}: try again in a few seconds` };
  if (error instanceof BusError)
    return {
      kind: 'unavailable',
      message: 'no coordinator leads now: try again in a few seconds',
    };
  if (error instanceof AccessRefused) return { kind: 'precondition', message: error.message };
  if (error instanceof LibraryError) return libraryFailure(error.code);
  return {
    kind: 'internal',
    message: "the coordinator failed on this request: the coordinator's log says why",
  };
}

function libraryFailure(code: LibraryErrorCode): Failure {
  if (code === 'missing')
    return {
      kind: 'not_found',
      message:
        'the file was accepted, but the library does not have it any more: look whether the library was moved or changed by hand',
    };
  return {
    kind: 'unavailable',
    message: `the library cannot be read (${code}): look whether its disk or mount is there, then try again`,
  };
}

/** As grpc-js takes it. The details go through encodeURI, which throws on half a surrogate pair. */
export function serviceError(failure: Failure): Partial<ServiceError> & Error {
  const status = statusOf(failure);
  return Object.assign(new Error(status.details), status);
}

/** As an interceptor ends a call with it. */
export function statusOf({ kind, message, retryAfterMs }: Failure) {
  const metadata = new Metadata();
  if (retryAfterMs !== undefined) metadata.set(RETRY_KEY, String(Math.ceil(retryAfterMs)));
  return { code: codes[kind], details: message.toWellFormed(), metadata };
}

/** The name of the code, for metrics. */
export function codeName(failure: Failure | null): string {
  return failure === null ? 'OK' : (status[codes[failure.kind]] ?? 'UNKNOWN');
}
