import type { ClusterId, SessionId } from '@podctl/domain/ids.ts';
import type { CommandMessage, JobToken, ResultOutcome } from '@podctl/domain/protocol.ts';
import type { Slots } from '@podctl/domain/session.ts';
import type { VerdictAnswer } from '@podctl/domain/verdict.ts';
import type { Assignment } from './assignment.ts';
import type { PendingResult } from './token-key.ts';

/**
 * The agent's life, as a pure machine: `step(state, input)` gives the next state and what the shell must do.
 *
 * States of the agent:
 *   greeting  it has no session that it may believe in; a hello is under way, and no hint is taken
 *   serving   it has a session, and takes the hints of this session in this cluster
 *   leaving   it takes nothing, what runs is being stopped, then it says goodbye
 *   ended     nothing more is done, whatever comes in
 * With a problem it hands hints back, and goes on with what it holds.
 * Draining goes beside greeting and serving: nothing new is begun, a hint is handed back, what runs goes on; it leaves
 * when nothing runs and every result is settled, or when nobody is there to settle it (its result is in the journal).
 * States of a token: waiting (for a slot, not begun) → running (begun) → ended (its result is journalled and asked about) → gone.
 *
 * What is never true: a token begun twice in one session (hints of any other session are ignored, so this is all there
 * is to remember); a result forgotten before it was answered in this cluster; more running than slots; anything begun while draining.
 */
export type AgentState = {
  readonly slots: Slots;
  /** The world it knows; null before the first welcome. */
  readonly cluster: ClusterId | null;
  /** The newest session, kept while greeting since what runs belongs to it. */
  readonly session: SessionId | null;
  readonly mode: 'greeting' | 'serving' | 'leaving' | 'ended';
  /** By tokenKey, in order of arrival. */
  readonly tokens: ReadonlyMap<string, HeldToken>;
  /** The newest token begun of each of the BEGUN_MAX jobs that were begun last in this session. */
  readonly begun: ReadonlyMap<string, number>;
  /** Why it takes no new work, one sentence; null when it does. */
  readonly problem: string | null;
  readonly draining: boolean;
  /** Why it leaves, for the history of what it hands back; empty until then. */
  readonly leavesFor: string;
  /** Why it ends without having been asked to: a GPU is gone, one sentence; null while none is. */
  readonly gpuLost: string | null;
};

export type HeldToken =
  | { readonly phase: 'waiting'; readonly assignment: Assignment }
  | {
      readonly phase: 'running';
      readonly assignment: Assignment;
      readonly progress: number;
      readonly cancelled: CancelCause | null;
      /** How it gets on, where that is worth a word. */
      readonly note?: string;
    }
  /** `carried`: from an earlier session. */
  | { readonly phase: 'ended'; readonly result: PendingResult; readonly carried: boolean };

/** hint: the leader said so. session: its session is over. world: its cluster is. stop: the agent leaves. */
export type CancelCause = 'hint' | 'session' | 'world' | 'stop';

export type AgentInput =
  | { readonly kind: 'welcomed'; readonly cluster: ClusterId; readonly session: SessionId }
  | { readonly kind: 'refused'; readonly reason: string }
  | { readonly kind: 'command'; readonly command: CommandMessage }
  | { readonly kind: 'progress'; readonly key: string; readonly fraction: number }
  | { readonly kind: 'note'; readonly key: string; readonly note: string }
  /** A begun token has come to its end, one way or the other. */
  | { readonly kind: 'done'; readonly key: string; readonly outcome: ResultOutcome }
  | { readonly kind: 'settled'; readonly key: string; readonly answer: VerdictAnswer }
  | { readonly kind: 'problem'; readonly problem: string | null }
  /** Take no more, finish what runs, then leave. */
  | { readonly kind: 'drain' }
  /** Hand back what runs, and leave. `reason`: for the history of what is handed back. */
  | { readonly kind: 'stop'; readonly reason: string }
  /** A GPU that was there is gone: hand back what runs, and end so that a new process looks anew. */
  | { readonly kind: 'gpu_lost'; readonly reason: string }
  /** The goodbye was answered, or nobody answered it in time. */
  | { readonly kind: 'farewell' };

export type AgentEffect =
  | { readonly kind: 'hello'; readonly cluster: ClusterId | null }
  | { readonly kind: 'begin'; readonly key: string; readonly assignment: Assignment }
  | { readonly kind: 'cancel'; readonly key: string; readonly reason: string }
  /** A heartbeat now. */
  | { readonly kind: 'beat' }
  /** Onto the disk, before it is asked about. */
  | { readonly kind: 'record'; readonly key: string; readonly result: PendingResult }
  /** Ask until answered, in this session; an older question about the same key ends. */
  | {
      readonly kind: 'ask';
      readonly key: string;
      readonly session: SessionId;
      readonly result: PendingResult;
    }
  /** Off the disk; no more questions. */
  | { readonly kind: 'forget'; readonly key: string }
  | {
      readonly kind: 'goodbye';
      readonly cluster: ClusterId;
      readonly session: SessionId;
      readonly finished: readonly JobToken[];
      readonly reason: string;
    }
  | { readonly kind: 'exit'; readonly code: number; readonly reason: string };

export interface Step {
  readonly state: AgentState;
  readonly effects: readonly AgentEffect[];
}

export function without(state: AgentState, key: string): AgentState {
  const tokens = new Map(state.tokens);
  tokens.delete(key);
  return { ...state, tokens };
}

export function unchanged(state: AgentState): Step {
  return { state, effects: [] };
}
