import type { ClusterId, SessionId } from '@podctl/domain/ids.ts';
import {
  type CommandMessage,
  NOTE_LENGTH_MAX,
  type ResultOutcome,
  type TokenReport,
} from '@podctl/domain/protocol.ts';
import type { Slots } from '@podctl/domain/session.ts';
import { STAGES, type Stage } from '@podctl/domain/stage.ts';
import { admit, type Load, mayBegin } from './admission.ts';
import {
  type AgentEffect,
  type AgentInput,
  type AgentState,
  type CancelCause,
  type HeldToken,
  type Step,
  unchanged,
  without,
} from './agent-state.ts';
import type { Assignment } from './assignment.ts';
import {
  draining,
  EXIT_REFUSED,
  EXIT_SUPERSEDED,
  exit,
  handedBack,
  handedBackFor,
  handedBackUnbegun,
  leaveWhenDrained,
  left,
  sayGoodbye,
  stopping,
  withoutGpu,
} from './departure.ts';
import { jobKeyOf, type PendingResult, tokenKey } from './token-key.ts';

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
    draining: false,
    leavesFor: '',
    gpuLost: null,
  };
  return { state, effects: [{ kind: 'hello', cluster }] };
}

/** Pure. Inputs about a token that is not held are late echoes and change nothing. */
export function step(state: AgentState, input: AgentInput): Step {
  return state.mode === 'ended' ? unchanged(state) : leaveWhenDrained(taken(state, input));
}

function taken(state: AgentState, input: AgentInput): Step {
  switch (input.kind) {
    case 'welcomed':
      return welcomed(state, input.cluster, input.session);
    case 'refused':
      return exit(state, EXIT_REFUSED, `The coordinator refuses this agent: ${input.reason}`);
    case 'command':
      return commanded(state, input.command);
    case 'progress':
      return progressed(state, input.key, input.fraction);
    case 'note':
      return noted(state, input.key, input.note);
    case 'done':
      return done(state, input.key, input.outcome);
    case 'settled':
      return state.tokens.get(input.key)?.phase === 'ended'
        ? { state: without(state, input.key), effects: [{ kind: 'forget', key: input.key }] }
        : unchanged(state);
    case 'problem':
      // The lost GPU is the worse one, and it stays.
      return unchanged(state.gpuLost === null ? { ...state, problem: input.problem } : state);
    case 'drain':
      return draining(state);
    case 'stop':
      return stopping(state, input.reason);
    case 'gpu_lost':
      return withoutGpu(state, input.reason);
    case 'farewell':
      return state.mode === 'leaving' ? left(state) : unchanged(state);
  }
}

/** What the heartbeat lists. Failures that are not settled yet read as `unsettled`, since they have no files to commit. */
export function reports(state: AgentState): readonly TokenReport[] {
  return [...state.tokens.values()].map((held): TokenReport => {
    if (held.phase === 'ended') return endReport(held);
    const { job } = held.assignment;
    if (held.phase === 'waiting') return { ...job, phase: 'running', progress: 0, waiting: true };
    const { progress, note } = held;
    return { ...job, phase: 'running', progress, ...(note === undefined ? {} : { note }) };
  });
}

function endReport({ result, carried }: Extract<HeldToken, { phase: 'ended' }>): TokenReport {
  const finished = result.outcome.kind === 'finished';
  const phase = finished && !carried ? 'finished' : 'unsettled';
  return { ...result.job, phase, progress: finished ? 1 : 0 };
}

/** What is held and has no slot yet, oldest first. */
export function waitingOf(state: AgentState): ReadonlyMap<string, Assignment> {
  const waiting = new Map<string, Assignment>();
  for (const [key, held] of state.tokens)
    if (held.phase === 'waiting') waiting.set(key, held.assignment);
  return waiting;
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
    case 'bandwidth':
      // Answered, and obeyed, where it is received.
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
    case 'release':
      return command.cluster === state.cluster ? released(state, command) : unchanged(state);
  }
}

function started(state: AgentState, hint: Assignment): Step {
  const { cluster, session, job, work, ticket } = hint;
  const key = tokenKey(cluster, job);
  const begunToken = state.begun.get(jobKeyOf(cluster, job)) ?? 0;
  const isKnown = job.token <= begunToken || state.tokens.has(key);
  if (state.mode !== 'serving' || work.kind !== job.stage || isKnown) return unchanged(state);
  const assignment = { cluster, session, job, work, ticket };
  if (state.draining) return handedBack(withBegun(state, assignment), key, assignment);
  if (state.problem !== null)
    return handedBackFor(state.problem, withBegun(state, assignment), key, assignment);
  const taken: HeldToken = { phase: 'waiting', assignment };
  if (admit(job.stage, state.slots, loadOf(state, job.stage)) === 'refuse') return unchanged(state);
  return beginWaiting({ ...state, tokens: new Map(state.tokens).set(key, taken) });
}

/** Begins what has a slot now, oldest first. */
function beginWaiting(state: AgentState): Step {
  if (state.mode !== 'serving') return unchanged(state);
  const tokens = new Map(state.tokens);
  const effects: AgentEffect[] = [];
  let after = state;
  for (const stage of STAGES) {
    let count = mayBegin(stage, state.slots, loadOf(state, stage));
    for (const [key, held] of state.tokens) {
      if (count === 0) break;
      if (held.phase !== 'waiting' || held.assignment.job.stage !== stage) continue;
      count -= 1;
      const { assignment } = held;
      tokens.set(key, { phase: 'running', assignment, progress: 0, cancelled: null });
      after = withBegun(after, assignment);
      effects.push({ kind: 'begin', key, assignment });
    }
  }
  return { state: { ...after, tokens }, effects };
}

/**
 * A session may score a million transcripts, and all are copied with each. A hint that comes a thousand jobs late, of one
 * that is done long since, is begun in vain: its token holds nothing any more.
 */
export const BEGUN_MAX = 1_000;

/** Its token is not begun (again) in this session. */
function withBegun(state: AgentState, { cluster, job }: Assignment): AgentState {
  const begun = new Map(state.begun);
  const key = jobKeyOf(cluster, job);
  begun.delete(key);
  begun.set(key, job.token);
  const [oldest] = begun.keys();
  if (begun.size > BEGUN_MAX && oldest !== undefined) begun.delete(oldest);
  return { ...state, begun };
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

/** What has begun goes on: nobody else is to do it again. */
function released(state: AgentState, command: Extract<CommandMessage, { kind: 'release' }>): Step {
  const key = tokenKey(command.cluster, command.job);
  const held = state.tokens.get(key);
  if (held?.phase !== 'waiting') return unchanged(state);
  const { assignment } = held;
  return handedBackUnbegun(withBegun(state, assignment), key, assignment, command.reason);
}

function noted(state: AgentState, key: string, words: string): Step {
  const held = state.tokens.get(key);
  if (held?.phase !== 'running') return unchanged(state);
  const note = words.slice(0, NOTE_LENGTH_MAX);
  return unchanged({ ...state, tokens: new Map(state.tokens).set(key, { ...held, note }) });
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
