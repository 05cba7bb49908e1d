import type { DeadLock, EndedByHand, FreeLock, HeldLock } from './episode-state.ts';
import type { AgentId } from './ids.ts';

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
  /** Handed back unharmed: a goodbye, an operator. */
  | { readonly kind: 'returned'; readonly reason: string; readonly retryAfterMs: number | null }
  /** A person does not want it: nobody's fault, and not to be done again before somebody asks. */
  | { readonly kind: EndedByHand; readonly reason: string };

export interface RetryLimits {
  /** Failures after which a run is dead. */
  readonly failuresMax: number;
  /** Losses, with two agents at least, after which a run is dead: it kills agents. */
  readonly lossesMax: number;
  readonly backoffFirstMs: number;
  readonly backoffMaxMs: number;
}

/** One machine that is switched off again and again says little about the job; it must end at some time all the same. */
export const LOSSES_ON_ONE_AGENT_MAX = 10;
/** A host that asks for longer is asked again after this. */
export const RETRY_AFTER_MS_MAX = 86_400_000;
/** Characters of a reason that are kept: the episode's value has a limit (see episode-codec.ts). */
export const REASON_LENGTH_MAX = 300;

/** Lost with two different agents: it runs alone on one, so that it can take nobody else's work down. */
export function isCanary(lostBy: readonly AgentId[]): boolean {
  return new Set(lostBy).size >= 2;
}

function killsAgents(lostBy: readonly AgentId[], limits: RetryLimits): boolean {
  if (lostBy.length >= LOSSES_ON_ONE_AGENT_MAX) return true;
  return lostBy.length >= limits.lossesMax && isCanary(lostBy);
}

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
      return {
        state: 'free',
        failures,
        lostBy,
        notBeforeMs: end.retryAfterMs === null ? 0 : nowMs + asked(end.retryAfterMs),
        reason: short(end.reason),
      };
    case 'lost':
      return afterLoss(lock, limits);
    case 'skipped':
    case 'canceled':
      return { state: 'dead', run, failures, lostBy, reason: short(end.reason), ended: end.kind };
    case 'failed': {
      const failed = failures + 1;
      const reason = short(end.reason);
      if (end.final || failed >= limits.failuresMax)
        return { state: 'dead', run, failures: failed, lostBy, reason };
      const waitMs = Math.max(backoffMs(failed, limits, random), asked(end.retryAfterMs ?? 0));
      return { state: 'free', failures: failed, lostBy, notBeforeMs: nowMs + waitMs, reason };
    }
  }
}

function afterLoss({ run, failures, lostBy, agent }: HeldLock, limits: RetryLimits) {
  const lost = [...lostBy, agent];
  if (!killsAgents(lost, limits)) {
    const reason = `agent ${agent} was lost`;
    return { state: 'free', failures, lostBy: lost, notBeforeMs: 0, reason } as const;
  }
  const who = [...new Set(lost)].join(', ');
  const reason = short(`kills agents: lost ${lost.length} times, with ${who}`);
  return { state: 'dead', run, failures, lostBy: lost, reason } as const;
}

/** Whole milliseconds, within what a host may ask. */
function asked(retryAfterMs: number): number {
  return Math.ceil(Math.min(retryAfterMs, RETRY_AFTER_MS_MAX));
}

function short(text: string): string {
  return text.length > REASON_LENGTH_MAX ? `${text.slice(0, REASON_LENGTH_MAX - 1)}…` : text;
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
