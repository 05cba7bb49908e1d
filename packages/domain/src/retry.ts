import type { DeadLock, FreeLock, HeldLock } from './episode-state.ts';

/** How an attempt ended without a result. */
export type AttemptEnd =
  /** The agent says that it failed: the job's fault, or the host's. */
  | {
      readonly kind: 'failed';
      readonly reason: string;
      readonly retryAfterMs: number | null;
      readonly final: boolean;
    }
  /** The agent was lost with it: the agent's fault, or the job kills agents. */
  | { readonly kind: 'lost' }
  /** Handed back unharmed: a goodbye, a cancel, an operator. */
  | { readonly kind: 'returned'; readonly reason: string };

export interface RetryLimits {
  /** Failures after which a run is dead. */
  readonly failuresMax: number;
  /** Losses after which a run is dead: it kills agents. */
  readonly lossesMax: number;
  readonly backoffFirstMs: number;
  readonly backoffMaxMs: number;
}

/** Losses after which a job runs alone on one agent, so that it can take nobody else's work down. */
export const CANARY_AFTER_LOSSES = 2;

/** The lock after an attempt without a result: free with a time before which it must wait, or dead with the reason. */
export function afterAttempt(
  lock: HeldLock,
  end: AttemptEnd,
  limits: RetryLimits,
  nowMs: number,
  random: number,
): FreeLock | DeadLock {
  const { run, failures, lostBy } = lock;
  switch (end.kind) {
    case 'returned':
      return { state: 'free', failures, lostBy, notBeforeMs: 0, reason: end.reason };
    case 'lost': {
      const lost = [...lostBy, lock.agent];
      if (lost.length >= limits.lossesMax)
        return {
          state: 'dead',
          run,
          failures,
          lostBy: lost,
          reason: `kills agents: ${lost.join(', ')} were lost with it`,
        };
      return {
        state: 'free',
        failures,
        lostBy: lost,
        notBeforeMs: 0,
        reason: `agent ${lock.agent} was lost`,
      };
    }
    case 'failed': {
      const failed = failures + 1;
      if (end.final || failed >= limits.failuresMax)
        return { state: 'dead', run, failures: failed, lostBy, reason: end.reason };
      const waitMs = Math.max(backoffMs(failed, limits, random), end.retryAfterMs ?? 0);
      return {
        state: 'free',
        failures: failed,
        lostBy,
        notBeforeMs: nowMs + waitMs,
        reason: end.reason,
      };
    }
  }
}

/** Doubling from the first wait to the longest, with ±25 % of jitter. `random` is in [0, 1). */
export function backoffMs(
  failures: number,
  limits: Pick<RetryLimits, 'backoffFirstMs' | 'backoffMaxMs'>,
  random: number,
): number {
  const doubled = limits.backoffFirstMs * 2 ** Math.min(30, Math.max(0, failures - 1));
  return Math.round(Math.min(doubled, limits.backoffMaxMs) * (0.75 + random / 2));
}
