import type { Metadata } from '@grpc/grpc-js';
import { BadRequest, ErrorInfo } from '@podctl/proto/google/rpc/error_details.ts';
import { Status } from '@podctl/proto/google/rpc/status.ts';
import type { ErrorDetails } from './command-error.ts';

const DETAILS_KEY = 'grpc-status-details-bin';
const TYPE_PREFIX = 'type.googleapis.com/google.rpc.';

/** What an answer's trailer says of why it failed; null when it says nothing, or nothing that can be read. */
export function errorDetailsOf(metadata: Metadata | undefined): ErrorDetails | null {
  const [trailer] = metadata?.get(DETAILS_KEY) ?? [];
  if (!(trailer instanceof Uint8Array)) return null;
  try {
    const { details } = Status.decode(trailer);
    const of = (type: string) =>
      details.find(({ typeUrl }) => typeUrl === `${TYPE_PREFIX}${type}`)?.value;
    const info = of('ErrorInfo');
    if (info === undefined) return null;
    const { reason, metadata: more } = ErrorInfo.decode(info);
    const wrong = of('BadRequest');
    const fields = wrong === undefined ? [] : BadRequest.decode(wrong).fieldViolations;
    return { reason, hint: more.hint ?? '', field: fields[0]?.field ?? '' };
  } catch {
    return null;
  }
}
