import { whyNotAssignable } from '@podctl/domain/episode-move.ts';
import { STAGES } from '@podctl/domain/stage.ts';
import type { Emit } from './checker.ts';
import { filesOf, isNameTaken, isNeeded, isSweepable } from './library.ts';
import type { Model } from './model.ts';
import {
  currentRun,
  END,
  FILES,
  MODE,
  type OperationParts,
  RECORD,
  type StageIndex,
  type State,
  stageOf,
  tokenAt,
} from './state.ts';

const STAGE_INDEXES: readonly StageIndex[] = [0, 1];

/** What a coordinator that believes it leads decides from what it reads. The write comes later (writes.ts), or never. */
export function leaderSteps(model: Model, state: State, emit: Emit<State>): void {
  sessionSteps(model, state, emit);
  if (state.pending[0] !== model.idle) return;
  for (const stage of STAGE_INDEXES) {
    const { lock } = stageOf(state.value, stage);
    if (lock.state === 'free' || lock.state === 'dead') planSteps(model, state, stage, emit);
    if (lock.state === 'held') closeSteps(model, state, stage, emit);
    if (lock.state === 'committed') publishSteps(model, state, stage, emit);
  }
  if (model.world.view) viewSteps(model, state, emit);
  if (model.world.sweeper) sweepSteps(model, state, emit);
}

/** Takes up an operation, when a coordinator is idle. */
function begin(
  model: Model,
  state: State,
  emit: Emit<State>,
  helps: boolean,
  words: () => string,
  parts: Partial<OperationParts>,
): void {
  const next = model.taken(state, parts);
  if (next !== null) emit(helps, words, next);
}

/** Silent sessions are recorded as lost: one CAS on the session's own key. */
function sessionSteps(model: Model, state: State, emit: Emit<State>): void {
  state.agents.forEach((agent, index) => {
    if (agent.record !== RECORD.live) return;
    const lost = model.withAgent(state, index, { record: RECORD.lost });
    if (!isServed(state, index))
      emit(true, () => `agent ${index} is silent: its session is recorded as lost`, lost);
    else if (state.budget.spurious > 0)
      emit(false, () => `agent ${index} lives, and its session is taken for lost`, {
        ...lost,
        budget: { ...state.budget, spurious: state.budget.spurious - 1 },
      });
  });
}

/** The process that the session's record is about runs and believes in it. */
export function isServed(state: State, index: number): boolean {
  const agent = state.agents[index];
  return (
    agent !== undefined &&
    agent.mode !== MODE.down &&
    agent.record === RECORD.live &&
    agent.recordIsMine &&
    agent.session === agent.recordSession &&
    agent.recordWorld === state.world &&
    agent.world === state.world
  );
}

function isOpen(model: Model, state: State, stage: StageIndex): boolean {
  const { lock, wanted } = stageOf(state.value, stage);
  if (lock.state === 'dead') return model.fault === 'dead-is-assigned';
  if (model.fault === 'assigned-unasked') return stage === 0 && wanted > 0;
  return whyNotAssignable(state.value.episode, STAGES[stage]) === null;
}

function planSteps(model: Model, state: State, stage: StageIndex, emit: Emit<State>): void {
  if (!isOpen(model, state, stage)) return;
  const base = model.fault === 'create-over-marker' ? currentRun(state.value, stage) : 0;
  state.agents.forEach((agent, index) => {
    if (agent.record !== RECORD.live) return;
    if (agent.recordWorld !== state.world && model.fault !== 'cluster-ignored') return;
    const session = agent.recordSession;
    // Between the closing of its locks and the end of its session: a few times, or it would go on for ever.
    const isLeaving = agent.mode === MODE.leaving;
    if (isLeaving && state.budget.spurious === 0) return;
    const spurious = state.budget.spurious - Number(isLeaving);
    begin(
      model,
      isLeaving ? { ...state, budget: { ...state.budget, spurious } } : state,
      emit,
      !isLeaving,
      () => `a coordinator plans the ${STAGES[stage]} for agent ${index} in session ${session}`,
      { kind: 'assign', stage, agent: index, session, base },
    );
  });
}

/** A held lock whose session is over: its manifest is looked at, then it is committed or revoked. */
function closeSteps(model: Model, state: State, stage: StageIndex, emit: Emit<State>): void {
  const token = state.value.lockOf[stage];
  if (state.budget.spurious > 0) {
    const budget = { ...state.budget, spurious: state.budget.spurious - 1 };
    const words = () => `an operator releases the lock of token ${token}`;
    const parts = { kind: 'settle', stage, token, end: END.released } as const;
    begin(model, { ...state, budget }, emit, false, words, parts);
  }
  const why = whyClosed(model, state, token);
  if (why === null) return;
  const looks = !(why === END.returned && model.fault === 'goodbye-before-result');
  const blind = model.fault === 'loss-without-manifest';
  const full = blind || (looks && filesOf(model, state, token) === FILES.full);
  begin(
    model,
    state,
    emit,
    true,
    () =>
      `a coordinator sees that the session of token ${token} is over, its manifest ${full ? 'complete' : 'not complete'}`,
    { kind: 'settle', stage, token, end: full ? END.accepted : why },
  );
}

/** As what a held lock is revoked, when its session is over; null while it is not. */
function whyClosed(model: Model, state: State, index: number): number | null {
  const token = tokenAt(state, index);
  const agent = state.agents[token.agent];
  if (agent === undefined) return null;
  if (agent.recordSession === token.session && agent.record === RECORD.live) {
    const leaves = agent.mode === MODE.leaving && isServed(state, token.agent);
    return leaves ? END.returned : null;
  }
  const superseded = agent.recordSession > token.session;
  if (superseded && model.fault === 'superseded-kept') return null;
  return agent.record === RECORD.gone ? END.returned : END.lost;
}

/** Committed is finished by any leader, whatever became of the session. */
function publishSteps(model: Model, state: State, stage: StageIndex, emit: Emit<State>): void {
  const token = state.value.lockOf[stage];
  const { agent, session, named } = tokenAt(state, token);
  const record = state.agents[agent];
  const isOver = record?.recordSession !== session || record.record !== RECORD.live;
  if (isOver && model.fault === 'revoke-committed')
    begin(
      model,
      state,
      emit,
      true,
      () => `a coordinator sees that the session of committed token ${token} is over`,
      { kind: 'settle', stage, token, end: END.lost },
    );
  if (isOver && model.fault === 'finish-needs-session') return;
  const links = model.fault !== 'pointer-before-files' && !isNameTaken(model, state, token);
  const files = Math.max(named, filesOf(model, state, token));
  if (links && files !== FILES.full) return;
  const linked = links ? model.withToken(state, token, { named: files }) : state;
  const base = model.fault === 'done-overwrites-wanted' ? stageOf(state.value, stage).wanted : 0;
  begin(
    model,
    linked,
    emit,
    true,
    () => `a coordinator gives the files of token ${token} their final names`,
    { kind: 'publish', stage, token, base },
  );
}

/** The fault shows what is complete, before it is accepted. */
function tokenToShow(model: Model, { value, tokens }: State): number {
  const held = value.lockOf[0];
  const early = model.fault === 'view-of-held' && tokens[held]?.staged === FILES.full;
  return early ? held : value.doneOf[0];
}

/** The readable name of the audio. One try a token is remembered for the fault alone. */
function viewSteps(model: Model, state: State, emit: Emit<State>): void {
  const token = tokenToShow(model, state);
  if (token < 0 || state.view === token) return;
  const once = model.fault === 'view-once';
  if (once && ((state.scratch >> token) & 1) === 1) return;
  const scratch = once ? state.scratch | (1 << token) : state.scratch;
  const words = () => `a coordinator is about to link the readable name to token ${token}`;
  begin(model, { ...state, scratch }, emit, true, words, { kind: 'show', token });
}

/** Listed at any earlier moment: what counts is that the key is read later. */
function sweepSteps(model: Model, state: State, emit: Emit<State>): void {
  if (model.fault === 'sweep-before-read') {
    const needed = state.tokens.reduce(
      (bits, _, index) => bits | (isNeeded(model, state, index) ? 1 << index : 0),
      0,
    );
    begin(model, state, emit, false, () => 'the sweeper reads the key, before it lists', {
      kind: 'sweep-all',
      base: needed,
    });
    return;
  }
  state.tokens.forEach(({ checkpoint, stage }, token) => {
    if (!isSweepable(model, state, token) || isNeeded(model, state, token)) return;
    begin(
      model,
      state,
      emit,
      false,
      () => `the sweeper has listed token ${token}, and reads in the key that nobody needs it`,
      { kind: 'sweep', stage, token, end: Number(checkpoint) },
    );
  });
}
