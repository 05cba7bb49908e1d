import { type ServiceError, status } from '@grpc/grpc-js';
import { CommandError, EXIT, type ExitCode } from './command-error.ts';
import type { Endpoint } from './endpoint.ts';
import { errorDetailsOf } from './error-details.ts';
import { tlsFailureIn, tlsSentence } from './tls-failure.ts';

const codes: { readonly [code: number]: ExitCode } = {
  [status.INVALID_ARGUMENT]: EXIT.usage,
  [status.OUT_OF_RANGE]: EXIT.usage,
  [status.NOT_FOUND]: EXIT.notFound,
  [status.UNAUTHENTICATED]: EXIT.denied,
  [status.PERMISSION_DENIED]: EXIT.denied,
  [status.UNAVAILABLE]: EXIT.unavailable,
  [status.DEADLINE_EXCEEDED]: EXIT.deadline,
  [status.FAILED_PRECONDITION]: EXIT.conflict,
  [status.ABORTED]: EXIT.conflict,
  [status.ALREADY_EXISTS]: EXIT.conflict,
};

/** A failed call as one sentence and an exit code. */
export function commandErrorOf(
  error: ServiceError,
  endpoint: Endpoint,
  timeoutMs: number,
): CommandError {
  const exitCode = codes[error.code] ?? EXIT.failed;
  const details = errorDetailsOf(error.metadata);
  return new CommandError(exitCode, sentence(error, endpoint, timeoutMs), error, details);
}

function sentence(error: ServiceError, endpoint: Endpoint, timeoutMs: number): string {
  const place = `${endpoint.addresses.join(' or ')} (${endpoint.origin})`;
  switch (error.code) {
    case status.UNAVAILABLE:
      return unavailable(error, place, endpoint.ca !== null);
    case status.UNAUTHENTICATED:
      return endpoint.token === null
        ? `the coordinator at ${place} asks who you are; name the file with your token in PODCTL_TOKEN_FILE, or choose a context that has one with -c`
        : `the coordinator at ${place} does not take your token: it is another fleet's, or its owner was put out; ask an admin of the fleet for a new one ("podctl user create")`;
    case status.PERMISSION_DENIED:
      return `the coordinator at ${place} refuses: ${error.details || 'your role does not allow this'}; "podctl context validate" tells who you are there`;
    case status.DEADLINE_EXCEEDED:
      return `the coordinator at ${place} did not answer within ${timeoutMs / 1000} s; look whether it is busy, or give it longer with --timeout`;
    case status.UNIMPLEMENTED:
      return `the coordinator at ${place} does not know this request; "podctl version" shows whether it is older than this command`;
    default:
      return error.details === '' ? `the coordinator at ${place} failed` : error.details;
  }
}

function unavailable(error: ServiceError, place: string, hasCa: boolean): string {
  const failure = tlsFailureIn(error.details);
  const seen = failure === null ? null : tlsSentence(failure, place, hasCa);
  if (seen !== null) return seen;
  return isNobodyThere(error)
    ? `no coordinator answers at ${place}; start one with "podctl up", or name another with --server host:port`
    : `the coordinator at ${place} cannot serve now: ${error.details}; try again in a few seconds`;
}

/** No connection was made, so that nothing was sent. */
export function isNobodyThere(error: ServiceError): boolean {
  return /^No connection established|ECONNREFUSED|ENOTFOUND|name resolution/i.test(error.details);
}

export function isServiceError(error: unknown): error is ServiceError {
  return (
    error instanceof Error &&
    'code' in error &&
    typeof error.code === 'number' &&
    'details' in error &&
    typeof error.details === 'string'
  );
}
