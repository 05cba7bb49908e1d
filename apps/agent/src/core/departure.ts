import type { ResultOutcome } from '@podctl/domain/protocol.ts';
import {
  type AgentEffect,
  type AgentState,
  type HeldToken,
  type Step,
  unchanged,
} from './agent-state.ts';
import type { Assignment } from './assignment.ts';
import type { PendingResult } from './token-key.ts';

export const EXIT_STOPPED = 0;
/** A newer process took the agent's id over. */
export const EXIT_SUPERSEDED = 3;
/** The leader or NATS refuses this agent for good: it was removed from the fleet, or never was of it. */
export const EXIT_REFUSED = 4;
/** A GPU that was there is gone: whoever supervises the agent starts it anew. */
export const EXIT_GPU_LOST = 5;

const DRAINING = {
  kind: 'failed',
  code: 'draining',
  reason: 'the agent is draining: it takes no more',
  retryAfterMs: null,
  final: false,
  returned: true,
} as const;
/** Somebody has to mend the problem first; at once the job would only come back. */
const PROBLEM_WAIT_MS = 60_000;

/** Takes no more: what waits for a slot is handed back, what runs goes on. */
export function draining(state: AgentState): Step {
  if (state.draining || state.mode === 'leaving') return unchanged(state);
  const effects: AgentEffect[] = [];
  let next: AgentState = { ...state, draining: true };
  for (const [key, held] of state.tokens) {
    if (held.phase !== 'waiting') continue;
    const back = handedBack(next, key, held.assignment);
    next = back.state;
    effects.push(...back.effects);
  }
  return { state: next, effects };
}

/** A hint that the agent does not follow: answered like a result, so that another agent gets the job at once. */
export function handedBack(
  state: AgentState,
  key: string,
  assignment: Assignment,
  outcome: ResultOutcome = DRAINING,
): Step {
  const { cluster, job } = assignment;
  const result: PendingResult = { cluster, job, outcome };
  const tokens = new Map(state.tokens).set(key, { phase: 'ended', result, carried: false });
  const effects: AgentEffect[] = [{ kind: 'record', key, result }];
  if (state.mode === 'serving' && state.session !== null)
    effects.push({ kind: 'ask', key, session: state.session, result });
  return { state: { ...state, tokens }, effects };
}

/** A hint to an agent with a problem that the leader has not heard of: it hears of it first, or it would give the job back. */
export function handedBackFor(
  problem: string,
  state: AgentState,
  key: string,
  assignment: Assignment,
): Step {
  const because = { code: 'agent_problem', reason: problem, retryAfterMs: PROBLEM_WAIT_MS };
  const back = handedBack(state, key, assignment, { ...DRAINING, ...because });
  return { state: back.state, effects: [{ kind: 'beat' }, ...back.effects] };
}

/** A job that was held ahead, and that somebody else can begin now. */
export function handedBackUnbegun(
  state: AgentState,
  key: string,
  assignment: Assignment,
  reason: string,
): Step {
  return handedBack(state, key, assignment, { ...DRAINING, code: 'released', reason });
}

/** Ends a drain once nothing runs, and no result waits for a leader that is there. */
export function leaveWhenDrained(step: Step): Step {
  const { state } = step;
  if (!state.draining || state.mode === 'leaving' || state.mode === 'ended') return step;
  const held = [...state.tokens.values()];
  const isBusy = held.some(({ phase }) => phase !== 'ended');
  if (isBusy || (state.mode === 'serving' && held.length > 0)) return step;
  const next = sayGoodbye({ ...state, mode: 'leaving', leavesFor: 'the agent has drained' });
  return { state: next.state, effects: [...step.effects, ...next.effects] };
}

/** What runs is ended and handed back; then it says goodbye. */
export function stopping(state: AgentState, reason: string): Step {
  if (state.mode === 'leaving') return unchanged(state);
  const effects: AgentEffect[] = [];
  const tokens = new Map<string, HeldToken>();
  for (const [key, held] of state.tokens) {
    if (held.phase === 'waiting') continue;
    if (held.phase === 'running' && held.cancelled === null) {
      effects.push({ kind: 'cancel', key, reason });
      tokens.set(key, { ...held, cancelled: 'stop' });
    } else tokens.set(key, held);
  }
  const next = sayGoodbye({ ...state, mode: 'leaving', leavesFor: reason, tokens });
  return { state: next.state, effects: [...effects, ...next.effects] };
}

/** Once nothing runs any more. Without a session there is nobody to say it to. */
export function sayGoodbye(state: AgentState): Step {
  const held = [...state.tokens.values()];
  if (held.some((token) => token.phase === 'running')) return unchanged(state);
  const { cluster, session, leavesFor: reason } = state;
  if (cluster === null || session === null) return left(state);
  const finished = held.flatMap((token) =>
    token.phase === 'ended' && token.result.outcome.kind === 'finished' ? [token.result.job] : [],
  );
  return { state, effects: [{ kind: 'goodbye', cluster, session, finished, reason }] };
}

/** A GPU is gone: the leader hears of it before anything is handed back, or it would give the jobs to this agent again. */
export function withoutGpu(state: AgentState, reason: string): Step {
  if (state.gpuLost !== null || state.mode === 'leaving') return unchanged(state);
  const problem = `gpu_lost: ${reason}`;
  const next = stopping({ ...state, gpuLost: reason, problem }, problem);
  return { state: next.state, effects: [{ kind: 'beat' }, ...next.effects] };
}

/** Nobody waits for it any more. */
export function left(state: AgentState): Step {
  return state.gpuLost === null
    ? exit(state, EXIT_STOPPED, 'The agent stopped.')
    : exit(state, EXIT_GPU_LOST, `The agent ends, since a GPU is lost: ${state.gpuLost}`);
}

/** Whether a job of this session failed and the leader has not heard of it: a goodbye now would hand it back as unharmed. */
export function hasUntoldFailure(state: AgentState): boolean {
  return [...state.tokens.values()].some((held) => {
    if (held.phase !== 'ended' || held.carried) return false;
    const { outcome } = held.result;
    return outcome.kind === 'failed' && !outcome.returned;
  });
}

export function exit(state: AgentState, code: number, reason: string): Step {
  const effects = [...state.tokens].flatMap(([key, held]): AgentEffect[] =>
    held.phase === 'running' && held.cancelled === null
      ? [{ kind: 'cancel', key, reason: 'the agent ends' }]
      : [],
  );
  return {
    state: { ...state, mode: 'ended' },
    effects: [...effects, { kind: 'exit', code, reason }],
  };
}
