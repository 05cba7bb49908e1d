import type { AgentId, ClusterId, Nonce } from './ids.ts';

/**
 * What people decided about an agent: whether it is given work. It is of the name, not of a session: it outlives the
 * agent's restarts, leaders, and a restore. The agent itself is told nothing; it idles.
 *   open      it is given work, as an agent without a record is
 *   cordoned  it is given nothing; what it has begun goes on, what it holds ahead is handed back
 *   draining  the same, and it is waited for; at the deadline what it still holds is taken back
 *   drained   it was seen to hold nothing since. Whatever reaches it late is taken back at once
 *
 *   any --uncordon--> open --cordon--> cordoned
 *   open, cordoned --drain--> draining --(it holds nothing: the leader)--> drained
 *
 * What is never true: a cordon that ends a drain. Who wants it to take longer drains again with a later deadline; who only waits
 * again, without one, moves nothing.
 */
export interface CordonRecord extends CordonState {
  readonly cluster: ClusterId;
  readonly nonce: Nonce;
  readonly agent: AgentId;
}

export interface CordonState {
  readonly kind: CordonKind;
  /** One line; empty when nobody said why. */
  readonly reason: string;
  /** Who asked for it; empty where nobody is asked who they are. */
  readonly by: string;
  /** Wall clock of the leader: since when it is of this kind. */
  readonly sinceMs: number;
  /** Of a drain, wall clock of the leader; null waits for as long as it takes. */
  readonly deadlineMs: number | null;
}

export const CORDON_KINDS = ['open', 'cordoned', 'draining', 'drained'] as const;
export type CordonKind = (typeof CORDON_KINDS)[number];

/** What somebody wants of an agent. An empty reason leaves the one that stands, and no deadline the one that stands. */
export type CordonWish =
  | { readonly kind: 'cordon'; readonly reason: string; readonly by: string }
  | { readonly kind: 'uncordon'; readonly by: string }
  | {
      readonly kind: 'drain';
      readonly reason: string;
      readonly by: string;
      /** From when the leader takes it; 0 takes everything back at once. Where none stands, null waits however long it takes. */
      readonly deadlineInMs: number | null;
    };

export const CORDON_LIMITS = { reasonLengthMax: 200, deadlineMsMax: 7 * 86_400_000 } as const;

/** Whether it is kept from work. */
export function isClosed(state: CordonState | null | undefined): state is CordonState {
  return state !== null && state !== undefined && state.kind !== 'open';
}

/** The state after a wish; null when all that was wished for is so already. */
export function afterWish(
  before: CordonState | null,
  wish: CordonWish,
  nowMs: number,
): CordonState | null {
  if (wish.kind === 'uncordon') {
    const open = { kind: 'open', reason: '', deadlineMs: null } as const;
    return isClosed(before) ? { ...open, by: wish.by, sinceMs: nowMs } : null;
  }
  const was = isClosed(before) ? before : null;
  const kind = kindAfter(was?.kind ?? null, wish.kind);
  const reason = wish.reason === '' ? (was?.reason ?? '') : wish.reason;
  const deadlineMs = kind === 'draining' ? deadlineAfter(was, wish, nowMs) : null;
  if (was?.kind === kind && was.reason === reason && was.deadlineMs === deadlineMs) return null;
  const sinceMs = was?.kind === kind ? was.sinceMs : nowMs;
  return { kind, reason, by: wish.by, sinceMs, deadlineMs };
}

function kindAfter(was: CordonKind | null, wish: 'cordon' | 'drain'): CordonKind {
  if (was === 'drained') return 'drained';
  return wish === 'drain' || was === 'draining' ? 'draining' : 'cordoned';
}

function deadlineAfter(
  was: CordonState | null,
  wish: Exclude<CordonWish, { kind: 'uncordon' }>,
  nowMs: number,
): number | null {
  if (wish.kind === 'cordon' || wish.deadlineInMs === null) return was?.deadlineMs ?? null;
  return nowMs + wish.deadlineInMs;
}

/** It holds nothing: whoever waits for the drain may stop waiting. */
export function afterDrain(state: CordonState, nowMs: number): CordonState {
  return { ...state, kind: 'drained', sinceMs: nowMs, deadlineMs: null };
}
