import type { HostName } from '@podctl/domain/host-name.ts';
import type { ResultOutcome } from '@podctl/domain/protocol.ts';

export interface FailureDetails {
  readonly retryAfterMs?: number | null;
  readonly final?: boolean;
  /** The podcast host that was asked last, and its HTTP status. */
  readonly host?: HostName | null;
  readonly status?: number | null;
}

/** `code` is for machines, `reason` one sentence for people. */
export function failure(code: string, reason: string, details: FailureDetails = {}): ResultOutcome {
  const { retryAfterMs = null, final = false, host = null, status = null } = details;
  const where = { ...(host === null ? {} : { host }), ...(status === null ? {} : { status }) };
  return { kind: 'failed', code, reason, retryAfterMs, final, returned: false, ...where };
}

/** Given back unharmed: no failure is counted. */
export function returned(
  reason: string,
  code = 'cancelled',
  retryAfterMs: number | null = null,
): ResultOutcome {
  return { kind: 'failed', code, reason, retryAfterMs, final: false, returned: true };
}
