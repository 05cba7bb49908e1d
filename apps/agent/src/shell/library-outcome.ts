import type { ResultOutcome } from '@podctl/domain/protocol.ts';
import type { LibraryError } from '@podctl/platform/library.ts';
import { OPERATOR_WAIT_MS } from '../core/engine-outcome.ts';
import { failure, returned } from '../core/outcome.ts';

/** What a job comes to when the library failed it so. */
export function libraryOutcome(error: LibraryError): ResultOutcome {
  if (error.code === 'full' || error.code === 'offline')
    return returned(
      `The library cannot be used: ${error.message}.`,
      `library_${error.code}`,
      OPERATOR_WAIT_MS,
    );
  return failure(`library_${error.code}`, `The library failed: ${error.message}.`);
}
