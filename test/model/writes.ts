import type { Move } from '@podctl/domain/episode-move.ts';
import { type CommittedLock, FRESH_LOCK } from '@podctl/domain/episode-state.ts';
import type { AgentId, Epoch, SessionId, Token } from '@podctl/domain/ids.ts';
import type { AttemptEnd } from '@podctl/domain/retry.ts';
import { STAGES } from '@podctl/domain/stage.ts';
import type { Emit } from './checker.ts';
import { requested } from './client.ts';
import { clusterOf, type Model, NONCE } from './model.ts';
import {
  currentRun,
  END,
  FILES,
  type Operation,
  type State,
  stageOf,
  type TokenParts,
  tokenAt,
  type Value,
} from './state.ts';

const MANIFEST = { sha256: '', files: 1, bytes: 1, audioSeconds: null } as const;

/** Pending operations take effect, are lost with their coordinator, or time out and land late. */
export function writeSteps(model: Model, state: State, emit: Emit<State>): void {
  const [a, b] = state.pending;
  pendingSteps(model, { ...state, pending: model.sorted(model.idle, b) }, a, emit);
  if (a !== b) pendingSteps(model, { ...state, pending: model.sorted(a, model.idle) }, b, emit);
  if (state.late !== model.idle)
    fire(model, { ...state, late: model.idle }, state.late, ' (a late write)', emit);
}

function pendingSteps(model: Model, rest: State, operation: Operation, emit: Emit<State>): void {
  if (operation === model.idle) return;
  fire(model, rest, operation, '', emit);
  emit(false, () => `the coordinator crashes before its ${wordOf(operation)}`, rest);
  if (model.world.late && rest.late === model.idle && model.isCas(operation))
    emit(false, () => `the ${wordOf(operation)} times out, still under way`, {
      ...rest,
      late: operation,
    });
}

function wordOf({ kind, token }: Operation): string {
  switch (kind) {
    case 'assign':
      return 'assignment';
    case 'settle':
      return `commit or revocation of token ${token}`;
    case 'publish':
      return `done of token ${token}`;
    case 'request':
      return `request ${token}`;
    case 'sweep':
    case 'sweep-all':
      return 'sweep';
    case 'show':
      return `link to token ${token}`;
    case 'idle':
      return 'rest';
  }
}

function fire(
  model: Model,
  state: State,
  operation: Operation,
  note: string,
  emit: Emit<State>,
): void {
  const { kind, stage, token } = operation;
  switch (kind) {
    case 'request':
      if (stageOf(state.value, stage).requests.includes(`r${token}`)) return;
      emit(true, () => `request ${token} is written${note}`, requested(model, state, token, stage));
      return;
    case 'assign':
      assign(model, state, operation, note, emit);
      return;
    case 'settle':
      settle(model, state, operation, note, emit);
      return;
    case 'publish':
      publish(model, state, operation, note, emit);
      return;
    case 'sweep':
      emit(
        true,
        () => `the sweeper removes what it listed of token ${token}`,
        swept(model, state, operation),
      );
      return;
    case 'sweep-all':
      sweepAll(model, state, operation, emit);
      return;
    case 'show':
      emit(
        true,
        () => `the readable name is linked to token ${token}, and the key is read again`,
        shown(model, state, token),
      );
      return;
    case 'idle':
      return;
  }
}

function assign(
  model: Model,
  state: State,
  { stage, agent, session, base }: Operation,
  note: string,
  emit: Emit<State>,
): void {
  const { value, next, world } = state;
  const index = state.tokens.length;
  const lock = stageOf(value, stage).lock.state;
  // Only with a fault: the lock is taken, or there is nothing to do.
  if (lock === 'held' || lock === 'committed') return;
  const isLateCreate = model.fault === 'create-over-marker';
  const isForced = isLateCreate || model.fault === 'assigned-unasked';
  const run = isLateCreate ? base : currentRun(value, stage);
  const cluster = clusterOf(model.fault === 'cluster-ignored' ? 0 : world);
  const holder = {
    cluster,
    token: next as Token,
    agent: agentIdOf(agent),
    session: session as SessionId,
    epoch: 1 as Epoch,
    nowMs: 0,
  };
  const open =
    lock === 'dead' || model.fault === 'tries-forgotten'
      ? model.forced(value, stage, { lock: FRESH_LOCK }, -1, value.doneOf[stage])
      : value;
  const legally = model.moved(open, stage, { kind: 'assign', holder }, index, value.doneOf[stage]);
  const made =
    legally ??
    (isForced
      ? heldAgain(model, value, index, { ...NEW_TOKEN, stage, run, agent, session, number: next })
      : null);
  // The product's move refuses what its plan allowed: the coordinator gives it up.
  if (made === null) {
    emit(true, () => 'a coordinator finds its assignment not legal, and gives it up', state);
    return;
  }
  const after =
    model.fault === 'one-slot' ? model.forced(made, stage, { done: null }, index, -1) : made;
  const token = model.token({ ...NEW_TOKEN, stage, run, agent, session, world, number: next });
  const tokens = [...state.tokens, token];
  emit(
    true,
    () =>
      `CAS free → held: ${STAGES[stage]} run ${run} as token ${index} (number ${next}) to agent ${agent} in session ${session}${note}`,
    model.written({ ...state, tokens, next: next + 1 }, after),
  );
}

/** A lock that nothing but a fault takes: nobody asked for a further run. */
function heldAgain(model: Model, value: Value, index: number, token: TokenParts): Value {
  const { manifest: _, ...held } = lockOf(token);
  const change = { lock: { ...held, state: 'held' } } as const;
  return model.forced(value, token.stage, change, index, value.doneOf[token.stage]);
}

const NEW_TOKEN: TokenParts = {
  stage: 0,
  run: 0,
  agent: 0,
  session: 0,
  world: 0,
  number: 0,
  staged: FILES.none,
  named: FILES.none,
  checkpoint: false,
  mixed: false,
  begun: false,
  failed: false,
  asked: 0,
  answers: 0,
  accepted: false,
  end: END.open,
};

export function agentIdOf(agent: number): AgentId {
  return `a${agent}` as AgentId;
}

function settle(
  model: Model,
  state: State,
  operation: Operation,
  note: string,
  emit: Emit<State>,
): void {
  const { token, end } = operation;
  const after =
    end === END.accepted ? committed(model, state, operation) : revoked(model, state, operation);
  const how = end === END.accepted ? 'committed' : `revoked (${END_WORDS[end]})`;
  if (after !== null) emit(true, () => `CAS held → ${how}: token ${token}${note}`, after);
  else emit(true, () => declined(token), state);
}

function declined(token: number): string {
  return `a coordinator reads again, and finds token ${token} settled by another`;
}

const END_WORDS: { readonly [end: number]: string } = {
  [END.lost]: 'lost',
  [END.failed]: 'failed',
  [END.returned]: 'given back',
  [END.released]: 'released by hand',
};

function committed(model: Model, state: State, { stage, token: index }: Operation): State | null {
  const { value } = state;
  const token = tokenAt(state, index);
  const doneOf = value.doneOf[stage];
  const step: Move = { kind: 'commit', token: token.number as Token, manifest: MANIFEST };
  const isHolder = value.lockOf[stage] === index;
  const legally = isHolder ? model.moved(value, stage, step, index, doneOf) : null;
  const isForced = model.fault === 'no-token-check' || model.fault === 'commit-not-cas';
  if (legally === null && !isForced) return null;
  const after = legally ?? model.forced(value, stage, { lock: lockOf(token) }, index, doneOf);
  const marked = model.withToken(state, index, { accepted: true, end: END.accepted });
  return model.written(marked, after);
}

/** The committed lock that a fault writes over whatever is there. */
function lockOf({ run, number, agent, session }: TokenParts): CommittedLock {
  return {
    state: 'committed',
    run,
    token: number as Token,
    agent: agentIdOf(agent),
    session: session as SessionId,
    epoch: 1 as Epoch,
    nonce: NONCE,
    sinceMs: 0,
    failures: 0,
    lostBy: [],
    manifest: MANIFEST,
  };
}

/** Null when it comes too late. */
function revoked(
  model: Model,
  state: State,
  { stage, token: index, end }: Operation,
): State | null {
  const { value } = state;
  const token = tokenAt(state, index);
  if (value.lockOf[stage] !== index) return null;
  const doneOf = value.doneOf[stage];
  const how = endOf(model, end);
  const step: Move = {
    kind: 'revoke',
    token: token.number as Token,
    end: how,
    nowMs: 0,
    random: 0.5,
  };
  const legally = model.moved(value, stage, step, -1, doneOf);
  const isForced = legally === null && model.fault === 'revoke-committed';
  const after = isForced ? model.forced(value, stage, { lock: FRESH_LOCK }, -1, doneOf) : legally;
  if (after === null) return null;
  return model.written(model.withToken(state, index, { end }), after);
}

function endOf(model: Model, end: number): AttemptEnd {
  const returned = { kind: 'returned', reason: 'given back', retryAfterMs: null } as const;
  switch (end) {
    case END.lost:
      return model.fault === 'losses-not-counted' ? returned : { kind: 'lost' };
    case END.failed:
      return model.fault === 'failures-not-counted'
        ? returned
        : { kind: 'failed', reason: 'it failed', retryAfterMs: null, final: false };
    default:
      return model.fault === 'goodbye-counted-as-loss' ? { kind: 'lost' } : returned;
  }
}

function publish(
  model: Model,
  state: State,
  operation: Operation,
  note: string,
  emit: Emit<State>,
): void {
  const { token } = operation;
  const after = published(model, state, operation);
  if (after !== null) emit(true, () => `CAS committed → done: token ${token}${note}`, after);
  else emit(true, () => declined(token), state);
}

/** Null when it comes too late. */
function published(model: Model, state: State, { stage, token, base }: Operation): State | null {
  const { value } = state;
  const step: Move = { kind: 'publish', token: tokenAt(state, token).number as Token };
  if (model.fault !== 'done-overwrites-wanted') {
    const isHolder = value.lockOf[stage] === token;
    const after = isHolder ? model.moved(value, stage, step, -1, token) : null;
    return after === null ? null : model.written(state, after);
  }
  const { run, number } = tokenAt(state, token);
  const done = { run, token: number as Token, manifest: MANIFEST };
  const change = { lock: FRESH_LOCK, done, wanted: base };
  return model.written(state, model.forced(value, stage, change, -1, token));
}

/** It removes what it listed, and nothing that came since. */
function swept(model: Model, state: State, { token: index, end }: Operation): State {
  const checkpoint = tokenAt(state, index).checkpoint && end !== 1;
  const files = { staged: FILES.none, checkpoint };
  const final = model.fault === 'sweep-final' ? { named: FILES.none } : {};
  return model.withToken(state, index, { ...files, ...final });
}

/** The fault: what it read is older than what it lists now. */
function sweepAll(model: Model, state: State, { base }: Operation, emit: Emit<State>): void {
  state.tokens.forEach(({ staged }, token) => {
    if (staged === FILES.none || ((base >> token) & 1) === 1) return;
    emit(
      true,
      () => `the sweeper lists and removes the staging folder of token ${token}`,
      model.withToken(state, token, { staged: FILES.none }),
    );
  });
  emit(true, () => 'the sweeper finds nothing', state);
}

/** Read again after it was linked: another run may have been done meanwhile. */
function shown(model: Model, state: State, token: number): State {
  const linked = { ...state, view: token };
  const newest = state.value.doneOf[0];
  if (model.fault === 'view-once' || newest === token) return linked;
  return model.taken(linked, { kind: 'show', token: newest }) ?? linked;
}
