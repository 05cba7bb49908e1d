import type { Move } from '@podctl/domain/episode-move.ts';
import { FRESH_LOCK } from '@podctl/domain/episode-state.ts';
import { STAGES } from '@podctl/domain/stage.ts';
import type { Emit } from './checker.ts';
import type { Model } from './model.ts';
import {
  END,
  type StageIndex,
  type State,
  stageOf,
  type TokenRecord,
  type Value,
} from './state.ts';

/** Clients ask for one more run, or for the dead one after all: counted once for a request id, however often it is sent. */
export function clientSteps(model: Model, state: State, emit: Emit<State>): void {
  model.world.requests.forEach((stage, request) => {
    if (model.fault === 'request-by-nonce') byNonce(model, state, request, stage, emit);
    else asks(model, state, request, stage, emit);
  });
  if (model.world.skips) skips(model, state, emit);
}

/** Somebody does not want the run, or not any more. One that comes late is a CAS that fails, or one that came in time. */
function skips(model: Model, state: State, emit: Emit<State>): void {
  for (const stage of STAGE_INDEXES) {
    const after = skipped(model, state, stage);
    if (after !== null) emit(false, () => `somebody skips the ${STAGES[stage]}`, after);
  }
}

/** What is held is taken from its agent for good. Null where nothing is to be skipped. */
function skipped(model: Model, state: State, stage: StageIndex): State | null {
  const { value } = state;
  const { lock } = stageOf(value, stage);
  if (lock.state === 'committed' || (lock.state === 'dead' && lock.ended === 'skipped'))
    return null;
  const holder = value.lockOf[stage];
  const isHeld = lock.state === 'held';
  const end = { kind: 'skipped', reason: 'skipped' } as const;
  const step: Move = isHeld
    ? { kind: 'revoke', token: lock.token, end, nowMs: 0, random: 0.5 }
    : { kind: 'skip', reason: 'skipped' };
  const after = model.moved(value, stage, step, isHeld ? -1 : holder, value.doneOf[stage]);
  if (after === null) return null;
  const ended = isHeld ? model.withToken(state, holder, { end: END.released }) : state;
  return model.written(ended, after);
}

const STAGE_INDEXES: readonly StageIndex[] = [0, 1];

export function requestId(request: number): string {
  return `r${request}`;
}

function asks(
  model: Model,
  state: State,
  request: number,
  stage: StageIndex,
  emit: Emit<State>,
): void {
  if (stageOf(state.value, stage).requests.includes(requestId(request))) return;
  const bit = 1 << request;
  // Equal requests come in their order: which of them is first makes no difference.
  const isLater = request > 0 && model.world.requests[request - 1] === stage;
  if (isLater && (state.issued & (bit >> 1)) === 0) return;
  const sent = { ...state, issued: state.issued | bit };
  emit(
    (state.issued & bit) !== 0,
    () => `request ${request} is written`,
    requested(model, sent, request, stage),
  );
  if (model.world.late && state.late === model.idle && (state.issued & bit) === 0)
    emit(false, () => `request ${request} times out, its write is under way`, {
      ...sent,
      late: model.operation({ kind: 'request', token: request, stage }),
    });
}

/** The write of a request lands. */
export function requested(model: Model, state: State, request: number, stage: StageIndex): State {
  const { value } = state;
  const [lockOf, doneOf] = [value.lockOf[stage], value.doneOf[stage]];
  const before = stageOf(value, stage);
  if (model.fault === 'retry-leaves-dead' && before.lock.state === 'dead') {
    const change = {
      wanted: before.wanted + 1,
      requests: [...before.requests, requestId(request)],
    };
    return model.written(state, model.forced(value, stage, change, lockOf, doneOf));
  }
  const step = { kind: 'request', request: requestId(request) } as const;
  const after = legal(model.moved(value, stage, step, lockOf, doneOf));
  const revived = before.lock.state === 'dead' ? forgiven(model, state, stage) : state;
  return model.written(revived, after);
}

/** Somebody asked again: what went wrong until now is not held against the run any more. */
function forgiven(model: Model, state: State, stage: StageIndex): State {
  const forgive = (token: TokenRecord) =>
    token.stage === stage && token.end !== END.open && token.end !== END.accepted
      ? model.token({ ...token, end: END.forgiven })
      : token;
  return { ...state, tokens: state.tokens.map(forgive) };
}

/** What is always legal: anything else is a mistake of the model. */
export function legal(value: Value | null): Value {
  if (value === null) throw new Error('the model makes a move that the product calls illegal');
  return value;
}

/** The hole: a timed-out request is known again only while its nonce is that of the last write. */
function byNonce(
  model: Model,
  state: State,
  request: number,
  stage: StageIndex,
  emit: Emit<State>,
): void {
  const acknowledged = 1 << (request + 4);
  if ((state.scratch & acknowledged) !== 0) return;
  const { value } = state;
  const seen = request + 1;
  if ((state.scratch & 15) === seen) {
    emit(true, () => `the client finds its nonce: request ${request} was written`, {
      ...state,
      scratch: state.scratch | acknowledged,
    });
    return;
  }
  const { wanted } = stageOf(value, stage);
  const change = { wanted: wanted + 1, lock: FRESH_LOCK };
  const after = model.forced(value, stage, change, -1, value.doneOf[stage]);
  if (stageOf(value, stage).lock.state !== 'free') return;
  const sent = model.written({ ...state, issued: state.issued | (1 << request) }, after);
  const scratch = (state.scratch & ~15) | seen;
  emit(true, () => `request ${request} is written, and times out`, { ...sent, scratch });
  emit(true, () => `request ${request} is written and acknowledged`, {
    ...sent,
    scratch: scratch | acknowledged,
  });
}
