import type { Emit } from './checker.ts';
import { folderOf } from './library.ts';
import type { Model } from './model.ts';
import {
  ASKED,
  agentAt,
  FILES,
  MODE,
  type State,
  stageOf,
  type TokenRecord,
  tokenAt,
} from './state.ts';

/** What an agent does with tokens: hinted, begun, resumed from a checkpoint, finished, failed, called off. */
export function workSteps(model: Model, state: State, index: number, emit: Emit<State>): void {
  const agent = agentAt(state, index);
  if (agent.zombie >= 0) zombieStep(model, state, index, emit);
  if (agent.mode !== MODE.up) return;
  if (agent.task < 0) hintSteps(model, state, index, emit);
  else if (agent.task < state.tokens.length) runningSteps(model, state, index, emit);
}

function holds(state: State, index: number): boolean {
  const { stage } = tokenAt(state, index);
  const { lock } = stageOf(state.value, stage);
  return lock.state === 'held' && state.value.lockOf[stage] === index;
}

/** Hints come once or often, now or late; so does the heartbeat's reconcile loop. They carry cluster and session. */
function hintSteps(model: Model, state: State, index: number, emit: Emit<State>): void {
  const agent = agentAt(state, index);
  if (agent.session === 0) return;
  state.tokens.forEach((token, i) => {
    const isOnDisk = ((agent.disk >> i) & 1) === 1;
    if (token.agent !== index || isOnDisk || !isForMe(model, state, index, token)) return;
    for (const from of resumable(model, state, i)) {
      const source = from < 0 ? null : tokenAt(state, from);
      const isOwn = source === null || (source.run === token.run && source.world === token.world);
      const begun = model.withToken(state, i, { begun: true, mixed: !isOwn });
      const written = model.withToken(begun, folderOf(model, state, i), { staged: FILES.part });
      emit(
        holds(state, i),
        () =>
          `agent ${index} is hinted, begins token ${i}${from < 0 ? '' : ` from the checkpoint of token ${from}`}`,
        model.withAgent(written, index, { task: i }),
      );
    }
  });
  if (model.fault === 'hint-before-ack') earlyHintSteps(model, state, index, emit);
}

function isForMe(model: Model, state: State, index: number, token: TokenRecord): boolean {
  const agent = agentAt(state, index);
  const isOfWorld = model.fault === 'cluster-ignored' || token.world === agent.world;
  const isOfSession = token.session === agent.session;
  const isUnbound = model.fault === 'stale-session-accepted';
  const isNew = !token.begun || model.fault === 'hint-again' || (isUnbound && !isOfSession);
  return isOfWorld && isNew && (isOfSession || isUnbound);
}

/** The newest checkpoint that it may begin from, besides the beginning itself (-1). */
function resumable(model: Model, state: State, index: number): readonly number[] {
  const token = tokenAt(state, index);
  const from = state.tokens.findLastIndex(
    (other, i) =>
      i !== index &&
      other.checkpoint &&
      other.stage === token.stage &&
      (other.run === token.run || model.fault === 'checkpoint-of-another-run') &&
      (other.world === token.world || model.fault === 'checkpoint-of-another-world'),
  );
  return from < 0 ? [-1] : [from];
}

/** The fault: a hint that is sent before the assignment is acknowledged, for a token that a rival may win. */
function earlyHintSteps(model: Model, state: State, index: number, emit: Emit<State>): void {
  const agent = agentAt(state, index);
  const task = state.tokens.length;
  for (const { kind, agent: planned, session } of state.pending)
    if (kind === 'assign' && planned === index && session === agent.session)
      emit(
        false,
        () => `agent ${index} is hinted before the acknowledgement, begins number ${state.next}`,
        model.withAgent(state, index, { task }),
      );
}

function runningSteps(model: Model, state: State, index: number, emit: Emit<State>): void {
  const { task, session, disk } = agentAt(state, index);
  const token = tokenAt(state, task);
  const idle = { task: -1 } as const;
  if (token.agent !== index) {
    // Begun by an early hint, and given to another agent: the folder has two writers.
    emit(
      false,
      () => `agent ${index} writes its own files into the folder of token ${task}`,
      model.withAgent(writtenInto(model, state, task), index, idle),
    );
    return;
  }
  const asked = token.asked | (token.session === session ? ASKED.holder : ASKED.later);
  const ended = (to: State, failed: boolean) =>
    model.withAgent(model.withToken(to, task, { asked, failed }), index, {
      ...idle,
      disk: disk | (1 << task),
    });
  const whole = model.withToken(state, folderOf(model, state, task), { staged: FILES.full });
  emit(
    true,
    () => `agent ${index} finishes token ${task}, the manifest last, and asks`,
    ended(whole, false),
  );
  if (state.budget.failures > 0) {
    const budget = { ...state.budget, failures: state.budget.failures - 1 };
    emit(
      false,
      () => `agent ${index} fails token ${task}, and says so`,
      ended({ ...state, budget }, true),
    );
  }
  if (model.world.checkpoints && !token.checkpoint)
    emit(
      false,
      () => `agent ${index} leaves a checkpoint of token ${task}`,
      model.withToken(state, task, { checkpoint: true }),
    );
  if (!holds(state, task) || model.fault === 'stale-cancel')
    emit(
      !holds(state, task),
      () => `agent ${index} is told to stop token ${task}`,
      model.withAgent(state, index, idle),
    );
}

function zombieStep(model: Model, state: State, index: number, emit: Emit<State>): void {
  const { zombie } = agentAt(state, index);
  const { asked } = tokenAt(state, zombie);
  const to = model.withToken(writtenInto(model, state, zombie), zombie, {
    asked: asked | ASKED.holder,
  });
  emit(
    false,
    () => `an old process of agent ${index} writes on, and finishes token ${zombie}`,
    model.withAgent(to, index, { zombie: -1 }),
  );
}

/** A second writer completes a folder, or makes a mixture of one that is complete. */
function writtenInto(model: Model, state: State, token: number): State {
  const folder = folderOf(model, state, token);
  const isFull = tokenAt(state, folder).staged === FILES.full;
  return model.withToken(state, folder, { staged: isFull ? FILES.part : FILES.full });
}
