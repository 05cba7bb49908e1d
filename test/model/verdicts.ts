import type { SessionId, Token } from '@podctl/domain/ids.ts';
import { STAGES } from '@podctl/domain/stage.ts';
import { judge, type Verdict, type VerdictAnswer } from '@podctl/domain/verdict.ts';
import type { Emit } from './checker.ts';
import { filesOf } from './library.ts';
import { clusterOf, type Model } from './model.ts';
import {
  ANSWER,
  ASKED,
  END,
  FILES,
  type State,
  stageOf,
  type TokenRecord,
  tokenAt,
} from './state.ts';

/** Each question in the network may be read by a leader now: the product's own `judge` says what follows from the key. */
export function verdictSteps(model: Model, state: State, emit: Emit<State>): void {
  state.tokens.forEach((token, index) => {
    if ((token.asked & ASKED.holder) !== 0) question(model, state, index, token.session, emit);
    if ((token.asked & ASKED.later) !== 0) question(model, state, index, token.session + 1, emit);
    if (token.asked !== 0) plantedSteps(model, state, index, emit);
  });
}

/** It is on its agent's disk: to answer it is progress, and to answer a delayed duplicate is not. */
function isWaited(state: State, index: number): boolean {
  const agent = state.agents[tokenAt(state, index).agent];
  return agent !== undefined && ((agent.disk >> index) & 1) === 1;
}

function question(
  model: Model,
  state: State,
  index: number,
  session: number,
  emit: Emit<State>,
): void {
  const token = tokenAt(state, index);
  const verdict = verdictOn(model, state, token, session);
  if (verdict.kind === 'answer') {
    const word = ANSWER[planted(model, state, index, verdict.answer)];
    if ((token.answers & word) !== 0) return;
    const answers = token.answers | word;
    emit(
      isWaited(state, index),
      () => `verdict on token ${index}: ${verdict.answer}`,
      model.withToken(state, index, { answers }),
    );
    return;
  }
  end(model, state, index, verdict.kind, emit);
}

function verdictOn(model: Model, state: State, token: TokenRecord, session: number): Verdict {
  const { stage, run, number, failed, world } = token;
  const { lock } = stageOf(state.value, stage);
  const isUnbound = model.fault === 'stale-session-accepted' && lock.state === 'held';
  const ignores = model.fault === 'cluster-ignored';
  return judge(state.value.episode, clusterOf(ignores ? 0 : state.world), {
    cluster: clusterOf(ignores ? 0 : world),
    session: (isUnbound ? lock.session : session) as SessionId,
    stage: STAGES[stage],
    run,
    token: number as Token,
    outcome: failed ? 'failed' : 'finished',
  });
}

/** The lock that the question names is held: it is committed or revoked first, then the question is asked again. */
function end(
  model: Model,
  state: State,
  index: number,
  kind: 'settle' | 'close' | 'fail',
  emit: Emit<State>,
): void {
  const { stage, answers } = tokenAt(state, index);
  if (kind === 'close' && model.fault === 'held-fenced') {
    if ((answers & ANSWER.fenced) === 0)
      emit(
        isWaited(state, index),
        () => `verdict on token ${index}, held but asked in a later session: fenced`,
        model.withToken(state, index, { answers: answers | ANSWER.fenced }),
      );
    return;
  }
  if (kind === 'close' && model.fault === 'delete-on-fenced') {
    emit(
      false,
      () => `verdict on token ${index}, asked in a later session: refused, its files deleted`,
      model.withToken(state, index, { staged: FILES.none }),
    );
    return;
  }
  const holder = state.value.lockOf[stage];
  const full = kind !== 'fail' && filesOf(model, state, holder) === FILES.full;
  const otherwise = kind === 'close' ? END.lost : END.failed;
  const next = model.taken(state, {
    kind: 'settle',
    stage,
    token: holder,
    end: full ? END.accepted : otherwise,
  });
  if (next !== null)
    emit(
      isWaited(state, index),
      () =>
        `verdict on token ${index}: it is held (${kind}), its manifest ${full ? 'complete' : 'not complete'}`,
      next,
    );
}

/** Answers that faults and holes change. */
function planted(model: Model, state: State, index: number, answer: VerdictAnswer): VerdictAnswer {
  const { stage } = tokenAt(state, index);
  if (model.fault === 'superseded-fenced' && answer === 'over') return 'fenced';
  const isHolding = state.value.lockOf[stage] === index;
  if (model.fault === 'verdict-after-done-is-fenced' && answer === 'accepted' && !isHolding)
    return 'fenced';
  return answer;
}

/** Steps that there are with a fault only. */
function plantedSteps(model: Model, state: State, index: number, emit: Emit<State>): void {
  const { stage, answers, staged } = tokenAt(state, index);
  if (model.fault === 'verdict-from-snapshot' && answers === 0)
    emit(
      false,
      () => `verdict on token ${index}, from an old snapshot: fenced`,
      model.withToken(state, index, { answers: ANSWER.fenced }),
    );
  const isOther = state.value.lockOf[stage] !== index;
  const isHeld = stageOf(state.value, stage).lock.state === 'held';
  if (model.fault !== 'no-token-check' || !isOther || !isHeld || staged !== FILES.full) return;
  const next = model.taken(state, { kind: 'settle', stage, token: index, end: END.accepted });
  if (next !== null) emit(false, () => `verdict on token ${index}: some lock is held`, next);
}
