import { errorCode } from './file-error.ts';

/** Why a connection could not be made, as a clause. */
export function whyUnreached(error: unknown): string {
  switch (errorCode(error) ?? codeWithin(error)) {
    case 'ENOTFOUND':
    case 'EAI_AGAIN':
      return 'its name has no address here (DNS)';
    case 'ECONNREFUSED':
      return 'nothing listens there (connection refused)';
    case 'EHOSTUNREACH':
    case 'ENETUNREACH':
      return 'there is no way to it from this machine';
    case 'ECONNRESET':
      return 'it broke the connection off';
    default:
      return error instanceof Error ? error.message : String(error);
  }
}

/** A name with several addresses fails with all their errors. */
function codeWithin(error: unknown): string | null {
  return error instanceof AggregateError ? errorCode(error.errors[0]) : null;
}
