import { renewalDueMs } from '@podctl/domain/access.ts';

/** When the agent asks for a new credential, and what became of it. All times epoch ms. */
export interface RenewalPlan {
  readonly expiresMs: number;
  readonly dueMs: number;
  /** Since the credential was issued. */
  readonly failures: number;
  /** One sentence; null while none failed. */
  readonly lastFailure: string | null;
}

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
const DAY_MS = 24 * HOUR_MS;
/** Time enough for somebody to look after it. */
const TELL_LEFT_MS = 3 * DAY_MS;
/** Of a credential's life, over which machines that joined together spread. */
const SPREAD = 1 / 60;

/** @param random 0 to 1. */
export function renewalPlan(
  { issuedMs, expiresMs }: { readonly issuedMs: number; readonly expiresMs: number },
  random: number,
): RenewalPlan {
  const spreadMs = Math.floor((expiresMs - issuedMs) * SPREAD * random);
  const dueMs = renewalDueMs(issuedMs, expiresMs) + spreadMs;
  return { expiresMs, dueMs, failures: 0, lastFailure: null };
}

/** Tries again in a minute, then in twice the time, up to an hour; half of each is chance. */
export function afterFailedRenewal(
  plan: RenewalPlan,
  sentence: string,
  nowMs: number,
  random: number,
): RenewalPlan {
  // 2^6 minutes are more than an hour.
  const waitMs = Math.min(MINUTE_MS * 2 ** Math.min(plan.failures, 6), HOUR_MS);
  const dueMs = nowMs + Math.round(waitMs * (0.5 + random / 2));
  return { ...plan, dueMs, failures: plan.failures + 1, lastFailure: sentence };
}

/** What people must be told; null while it is not renewed for reasons that may well pass. */
export function renewalProblem(
  { expiresMs, lastFailure }: RenewalPlan,
  nowMs: number,
): string | null {
  const leftMs = expiresMs - nowMs;
  if (leftMs <= 0)
    return 'this agent’s credential has expired: join anew with a fresh token (podctl agent install)';
  if (lastFailure === null || leftMs >= TELL_LEFT_MS) return null;
  const hours = Math.floor(leftMs / HOUR_MS);
  return `this agent’s credential ends in ${hours} h and cannot be renewed: ${lastFailure}`;
}
