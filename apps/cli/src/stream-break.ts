import { status } from '@grpc/grpc-js';
import type { CommandError } from './command-error.ts';
import { isServiceError } from './status-map.ts';

const BREAKS: readonly status[] = [
  status.UNAVAILABLE,
  status.CANCELLED,
  status.INTERNAL,
  status.UNKNOWN,
];

/** A stream or a coordinator that went away, in any of the ways in which gRPC tells it; not what was refused. */
export function isStreamBreak({ cause }: CommandError): boolean {
  return isServiceError(cause) && BREAKS.includes(cause.code);
}
