import type { ClusterId, SessionId } from '@podctl/domain/ids.ts';
import type {
  CommandMessage,
  JobToken,
  ResultOutcome,
  TokenReport,
  Work,
} from '@podctl/domain/protocol.ts';
import type { Slots } from '@podctl/domain/session.ts';
import { STAGES, type Stage } from '@podctl/domain/stage.ts';
import type { VerdictAnswer } from '@podctl/domain/verdict.ts';
import { admit, type Load, mayBegin } from './admission.ts';
import { jobKeyOf, type PendingResult, tokenKey } from './token-key.ts';

/**
 * The agent's life, as a pure machine: `step(state, input)` gives the next state and what the shell must do.
 *
 * States of the agent:
 *   greeting  it has no session that it may believe in; a hello is under way, and no hint is taken
 *   serving   it has a session, and takes the hints of this session in this cluster
 *   leaving   it was asked to stop: it takes nothing, what runs is being stopped, then it says goodbye
 *   ended     nothing more is done, whatever comes in
 * States of a token: waiting (for a slot, not begun) → running (begun) → ended (its result is journalled and asked about) → gone.
 *
 * What is never true: a token begun twice in one session (hints of any other session are ignored, so this is all there
 * is to remember); a result forgotten before it was answered in this cluster; more running than slots.
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
  /** The newest token begun of each job in this session: bounded by the jobs of one session. */
  readonly begun: ReadonlyMap<string, number>;
  /** Why it takes no new work, one sentence; null when it does. */
  readonly problem: string | null;
};

export type HeldToken =
  | { readonly phase: 'waiting'; readonly assignment: Assignment }
  | {
      readonly phase: 'running';
      readonly assignment: Assignment;
      readonly progress: number;
      readonly cancelled: CancelCause | null;
    }
  /** `carried`: from an earlier session. */
  | { readonly phase: 'ended'; readonly result: PendingResult; readonly carried: boolean };

/** A start that was believed. */
export interface Assignment {
  readonly cluster: ClusterId;
  readonly session: SessionId;
  readonly job: JobToken;
  readonly work: Work;
}

/** hint: the leader said so. session: its session is over. world: its cluster is. stop: the agent leaves. */
export type CancelCause = 'hint' | 'session' | 'world' | 'stop';

export type AgentInput =
  | { readonly kind: 'welcomed'; readonly cluster: ClusterId; readonly session: SessionId }
  | { readonly kind: 'refused'; readonly reason: string }
  | { readonly kind: 'command'; readonly command: CommandMessage }
  | { readonly kind: 'progress'; readonly key: string; readonly fraction: number }
  /** A begun token has come to its end, one way or the other. */
  | { readonly kind: 'done'; readonly key: string; readonly outcome: ResultOutcome }
  | { readonly kind: 'settled'; readonly key: string; readonly answer: VerdictAnswer }
  | { readonly kind: 'problem'; readonly problem: string | null }
  | { readonly kind: 'stop' }
  /** The goodbye was answered, or nobody answered it in time. */
  | { readonly kind: 'farewell' };

export type AgentEffect =
  | { readonly kind: 'hello'; readonly cluster: ClusterId | null }
  | { readonly kind: 'begin'; readonly key: string; readonly assignment: Assignment }
  | { readonly kind: 'cancel'; readonly key: string; readonly reason: string }
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
    }
  | { readonly kind: 'exit'; readonly code: number; readonly reason: string };

export interface Step {
  readonly state: AgentState;
  readonly effects: readonly AgentEffect[];
}

export const EXIT_STOPPED = 0;
/** A newer process took the agent's id over. */
export const EXIT_SUPERSEDED = 3;
/** The leader refuses this agent for good. */
export const EXIT_REFUSED = 4;

/** At the process's start, with what the journal holds from earlier ones. */
export function beginLife(slots: Slots, journal: readonly PendingResult[]): Step {
  const tokens = new Map(
    journal.map((result): [string, HeldToken] => [
      tokenKey(result.cluster, result.job),
      { phase: 'ended', result, carried: true },
    ]),
  );
  const cluster = journal.at(-1)?.cluster ?? null;
  const state: AgentState = {
    slots,
    cluster,
    session: null,
    mode: 'greeting',
    tokens,
    begun: new Map(),
    problem: null,
  };
  return { state, effects: [{ kind: 'hello', cluster }] };
}

/** Pure. Inputs about a token that is not held are late echoes and change nothing. */
export function step(state: AgentState, input: AgentInput): Step {
  if (state.mode === 'ended') return unchanged(state);
  switch (input.kind) {
    case 'welcomed':
      return welcomed(state, input.cluster, input.session);
    case 'refused':
      return exit(state, EXIT_REFUSED, `The coordinator refuses this agent: ${input.reason}`);
    case 'command':
      return commanded(state, input.command);
    case 'progress':
      return progressed(state, input.key, input.fraction);
    case 'done':
      return done(state, input.key, input.outcome);
    case 'settled':
      return state.tokens.get(input.key)?.phase === 'ended'
        ? { state: without(state, input.key), effects: [{ kind: 'forget', key: input.key }] }
        : unchanged(state);
    case 'problem':
      return unchanged({ ...state, problem: input.problem });
    case 'stop':
      return stopping(state);
    case 'farewell':
      return state.mode === 'leaving'
        ? exit(state, EXIT_STOPPED, 'The agent stopped.')
        : unchanged(state);
  }
}

/** What the heartbeat lists. Failures that are not settled yet read as `unsettled`, since they have no files to commit. */
export function reports(state: AgentState): readonly TokenReport[] {
  return [...state.tokens.values()].map((held): TokenReport => {
    if (held.phase === 'ended') {
      const finished = held.result.outcome.kind === 'finished';
      const phase = finished && !held.carried ? 'finished' : 'unsettled';
      return { ...held.result.job, phase, progress: finished ? 1 : 0 };
    }
    const progress = held.phase === 'running' ? held.progress : 0;
    return { ...held.assignment.job, phase: 'running', progress };
  });
}

export function loadOf(state: AgentState, stage: Stage): Load {
  let running = 0;
  let waiting = 0;
  for (const held of state.tokens.values()) {
    if (held.phase === 'ended' || held.assignment.job.stage !== stage) continue;
    if (held.phase === 'running') running += 1;
    else waiting += 1;
  }
  return { running, waiting };
}

function welcomed(state: AgentState, cluster: ClusterId, session: SessionId): Step {
  if (state.mode !== 'greeting') return unchanged(state);
  if (state.cluster !== null && state.cluster !== cluster) return newWorld(state, cluster);
  const resumed = state.session === session;
  const effects: AgentEffect[] = [];
  const tokens = new Map<string, HeldToken>();
  for (const [key, held] of state.tokens) {
    const kept = resumed ? held : carryOver(key, held, effects);
    if (kept === null) continue;
    tokens.set(key, kept);
    if (kept.phase === 'ended') effects.push({ kind: 'ask', key, session, result: kept.result });
  }
  const begun = resumed ? state.begun : new Map<string, number>();
  const next = beginWaiting({ ...state, mode: 'serving', cluster, session, tokens, begun });
  return { state: next.state, effects: [...effects, ...next.effects] };
}

/** Into a new session: the leader closed the older one, so what still runs can only be fenced. */
function carryOver(key: string, held: HeldToken, effects: AgentEffect[]): HeldToken | null {
  switch (held.phase) {
    case 'waiting':
      return null;
    case 'running':
      if (held.cancelled !== null) return held;
      effects.push({ kind: 'cancel', key, reason: 'its session is over' });
      return { ...held, cancelled: 'session' };
    case 'ended':
      return { ...held, carried: true };
  }
}

/** Everything held is dropped, and a hello is said again in the new world. */
function newWorld(state: AgentState, cluster: ClusterId): Step {
  const effects: AgentEffect[] = [];
  const tokens = new Map<string, HeldToken>();
  for (const [key, held] of state.tokens) {
    if (held.phase === 'ended') effects.push({ kind: 'forget', key });
    if (held.phase !== 'running') continue;
    // It keeps its slot until it has stopped.
    tokens.set(key, { ...held, cancelled: 'world' });
    if (held.cancelled === null)
      effects.push({ kind: 'cancel', key, reason: 'its cluster was replaced' });
  }
  effects.push({ kind: 'hello', cluster });
  return { state: { ...state, cluster, session: null, tokens, begun: new Map() }, effects };
}

function commanded(state: AgentState, command: CommandMessage): Step {
  if (command.kind !== 'ping' && command.session !== state.session) return unchanged(state);
  switch (command.kind) {
    case 'ping':
      // Answered where it is received.
      return unchanged(state);
    case 'superseded':
      return exit(
        state,
        EXIT_SUPERSEDED,
        'A newer process took this agent’s id over; give each agent an id of its own, or stop the other one.',
      );
    case 'rehello':
      if (state.mode !== 'serving') return unchanged(state);
      return {
        state: { ...state, mode: 'greeting' },
        effects: [{ kind: 'hello', cluster: state.cluster }],
      };
    case 'start':
      return command.cluster === state.cluster ? started(state, command) : unchanged(state);
    case 'cancel':
      return command.cluster === state.cluster ? cancelled(state, command) : unchanged(state);
  }
}

function started(state: AgentState, assignment: Assignment): Step {
  const { cluster, session, job, work } = assignment;
  const key = tokenKey(cluster, job);
  const begunToken = state.begun.get(jobKeyOf(cluster, job)) ?? 0;
  const mayTake = state.mode === 'serving' && state.problem === null;
  if (!mayTake || work.kind !== job.stage || job.token <= begunToken || state.tokens.has(key))
    return unchanged(state);
  const taken: HeldToken = { phase: 'waiting', assignment: { cluster, session, job, work } };
  if (admit(job.stage, state.slots, loadOf(state, job.stage)) === 'refuse') return unchanged(state);
  return beginWaiting({ ...state, tokens: new Map(state.tokens).set(key, taken) });
}

/** Begins what has a slot now, oldest first. */
function beginWaiting(state: AgentState): Step {
  if (state.mode !== 'serving') return unchanged(state);
  const tokens = new Map(state.tokens);
  const effects: AgentEffect[] = [];
  let { begun } = state;
  for (const stage of STAGES) {
    let count = mayBegin(stage, state.slots, loadOf(state, stage));
    for (const [key, held] of state.tokens) {
      if (count === 0) break;
      if (held.phase !== 'waiting' || held.assignment.job.stage !== stage) continue;
      count -= 1;
      const { assignment } = held;
      tokens.set(key, { phase: 'running', assignment, progress: 0, cancelled: null });
      begun = new Map(begun).set(
        jobKeyOf(assignment.cluster, assignment.job),
        assignment.job.token,
      );
      effects.push({ kind: 'begin', key, assignment });
    }
  }
  return { state: { ...state, tokens, begun }, effects };
}

function cancelled(state: AgentState, command: Extract<CommandMessage, { kind: 'cancel' }>): Step {
  const key = tokenKey(command.cluster, command.job);
  const held = state.tokens.get(key);
  if (held === undefined || held.phase === 'ended') return unchanged(state);
  if (held.phase === 'waiting') return unchanged(without(state, key));
  if (held.cancelled !== null) return unchanged(state);
  const tokens = new Map(state.tokens).set(key, { ...held, cancelled: 'hint' });
  return {
    state: { ...state, tokens },
    effects: [{ kind: 'cancel', key, reason: command.reason }],
  };
}

function progressed(state: AgentState, key: string, fraction: number): Step {
  const held = state.tokens.get(key);
  if (held?.phase !== 'running' || !(fraction > held.progress)) return unchanged(state);
  const progress = Math.min(1, fraction);
  return unchanged({ ...state, tokens: new Map(state.tokens).set(key, { ...held, progress }) });
}

function done(state: AgentState, key: string, outcome: ResultOutcome): Step {
  const held = state.tokens.get(key);
  if (held?.phase !== 'running') return unchanged(state);
  const ended = isWorthTelling(outcome, held.cancelled) ? endOf(state, key, held, outcome) : null;
  const rest =
    ended === null
      ? unchanged(without(state, key))
      : {
          state: { ...state, tokens: new Map(state.tokens).set(key, ended.held) },
          effects: ended.effects,
        };
  const next = state.mode === 'leaving' ? sayGoodbye(rest.state) : beginWaiting(rest.state);
  return { state: next.state, effects: [...rest.effects, ...next.effects] };
}

/** A result of another world is not; nor is the failure that our own cancelling made, unless the leader asked for it. */
function isWorthTelling(outcome: ResultOutcome, cancelled: CancelCause | null): boolean {
  if (cancelled === 'world') return false;
  return outcome.kind === 'finished' || cancelled === null || cancelled === 'hint';
}

function endOf(
  state: AgentState,
  key: string,
  held: Extract<HeldToken, { phase: 'running' }>,
  outcome: ResultOutcome,
): { readonly held: HeldToken; readonly effects: readonly AgentEffect[] } {
  const { cluster, session: begunIn, job } = held.assignment;
  const result: PendingResult = { cluster, job, outcome };
  const effects: AgentEffect[] = [{ kind: 'record', key, result }];
  if (state.mode === 'serving' && state.session !== null)
    effects.push({ kind: 'ask', key, session: state.session, result });
  return {
    held: { phase: 'ended', result, carried: begunIn !== state.session },
    effects,
  };
}

function stopping(state: AgentState): Step {
  if (state.mode === 'leaving') return unchanged(state);
  const effects: AgentEffect[] = [];
  const tokens = new Map<string, HeldToken>();
  for (const [key, held] of state.tokens) {
    if (held.phase === 'waiting') continue;
    if (held.phase === 'running' && held.cancelled === null) {
      effects.push({ kind: 'cancel', key, reason: 'the agent is stopping' });
      tokens.set(key, { ...held, cancelled: 'stop' });
    } else tokens.set(key, held);
  }
  const next = sayGoodbye({ ...state, mode: 'leaving', tokens });
  return { state: next.state, effects: [...effects, ...next.effects] };
}

/** Once nothing runs any more. Without a session there is nobody to say it to. */
function sayGoodbye(state: AgentState): Step {
  const held = [...state.tokens.values()];
  if (held.some((token) => token.phase === 'running')) return unchanged(state);
  const { cluster, session } = state;
  if (cluster === null || session === null) return exit(state, EXIT_STOPPED, 'The agent stopped.');
  const finished = held.flatMap((token) =>
    token.phase === 'ended' && token.result.outcome.kind === 'finished' ? [token.result.job] : [],
  );
  return { state, effects: [{ kind: 'goodbye', cluster, session, finished }] };
}

function exit(state: AgentState, code: number, reason: string): Step {
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

function without(state: AgentState, key: string): AgentState {
  const tokens = new Map(state.tokens);
  tokens.delete(key);
  return { ...state, tokens };
}

function unchanged(state: AgentState): Step {
  return { state, effects: [] };
}
