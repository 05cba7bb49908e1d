import { type ServiceError, status } from '@grpc/grpc-js';
import { CommandError, type ErrorDetails, EXIT, type ExitCode } from './command-error.ts';
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
  const said = saidBy(error, details);
  return new CommandError(exitCode, sentence(error, said, endpoint, timeoutMs), error, details);
}

/** What the coordinator says, with what it advises as the one next step. */
interface Said {
  readonly seen: string;
  /** Empty where it advises nothing. */
  readonly next: string;
}

function saidBy({ details: text }: ServiceError, details: ErrorDetails | null): Said {
  const next = details?.hint ?? '';
  const end = `: ${next}`;
  return next !== '' && text.endsWith(end)
    ? { seen: text.slice(0, -end.length), next }
    : { seen: text, next: '' };
}

function sentence(
  error: ServiceError,
  { seen, next }: Said,
  endpoint: Endpoint,
  timeoutMs: number,
): string {
  const place = `${endpoint.addresses.join(' or ')} (${endpoint.origin})`;
  switch (error.code) {
    case status.UNAVAILABLE:
      return unavailable(error, { seen, next }, place, endpoint);
    case status.UNAUTHENTICATED:
      return endpoint.token === null
        ? `the coordinator at ${place} asks who you are; name the file with your token in PODCTL_TOKEN_FILE, or choose a context that has one with -c`
        : `the coordinator at ${place} does not take your token: it is another fleet's, or its owner was put out; ask an admin of the fleet for a new one ("podctl user create")`;
    case status.PERMISSION_DENIED:
      return `the coordinator at ${place} refuses: ${seen || 'your role does not allow this'}; ${next || '"podctl context validate" tells who you are there'}`;
    case status.DEADLINE_EXCEEDED:
      return `the coordinator at ${place} did not answer within ${timeoutMs / 1000} s; "podctl status" tells whether something is wrong there, --timeout gives it longer`;
    case status.UNIMPLEMENTED:
      return `the coordinator at ${place} does not know this request; "podctl version" shows whether it is older than this command`;
    default:
      if (seen === '') return `the coordinator at ${place} failed; its log says why`;
      return next === '' ? seen : `${seen}; ${next}`;
  }
}

function unavailable(
  error: ServiceError,
  { seen, next }: Said,
  place: string,
  { ca }: Endpoint,
): string {
  const failure = tlsFailureIn(error.details);
  const inTls = failure === null ? null : tlsSentence(failure, place, ca !== null);
  if (inTls !== null) return inTls;
  if (isNameless(error))
    return `no coordinator answers at ${place}: the name of the host has no address here (DNS); name another with --server host:port`;
  return isNobodyThere(error)
    ? `no coordinator answers at ${place}; start one with "podctl up", or name another with --server host:port`
    : `the coordinator at ${place} cannot serve now: ${seen}; ${next || 'try again in a few seconds'}`;
}

function isNameless(error: ServiceError): boolean {
  return /ENOTFOUND|name resolution/i.test(error.details);
}

/** The coordinator answered that there is no such call in its version. */
export function isUnknownRequest(error: unknown): error is CommandError {
  if (!(error instanceof CommandError) || !isServiceError(error.cause)) return false;
  return error.cause.code === status.UNIMPLEMENTED;
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
