import type { StageState } from '@podctl/domain/episode-state.ts';
import { isCurrentCheckpoint } from './library.ts';
import { LIMITS } from './model.ts';
import {
  ANSWER,
  currentRun,
  END,
  FILES,
  isNamed,
  MODE,
  RECORD,
  type StageIndex,
  type State,
  stageOf,
  type TokenRecord,
  tokenAt,
} from './state.ts';
import { agentIdOf } from './writes.ts';

/** What must never be untrue, in the words of the design. */
export const INVARIANTS = {
  once: 'A run of a stage has at most one accepted result.',
  holder: 'An accepted result came from the token that held the lock.',
  whole: 'A reader of the library never sees a part of a file: what is accepted stays complete.',
  kept: 'A result that was accepted is never forgotten.',
  answers: 'Answers about a token never contradict each other, nor what is accepted.',
  pointer: 'The pointer that readers follow never goes back.',
  wanted: 'No run is done that nobody asked for.',
  requests: 'Every request counts exactly once: as one more run, or as the dead one revived.',
  readers: 'A reader of the library never sees a file of an unaccepted attempt.',
  tries: 'Failures and losses are counted once each; a goodbye is held against nobody.',
  limit: 'A run at its limit, or skipped, is dead until somebody asks for it again.',
  checkpoint: 'A checkpoint of the current run is never swept.',
  ownRun: 'An accepted result is made of its own run alone, from whatever checkpoint it began.',
  finished: 'What was finished before its session ended is committed, not done again.',
  alive: 'A process that is alive is not superseded by the hello of an older one.',
  progress: 'No run is lost, and no result stays unsettled.',
} as const;
export type InvariantName = keyof typeof INVARIANTS;

const STAGES: readonly StageIndex[] = [0, 1];

/** The first invariant that the step breaks. Checked on each step: so on the log of all revisions, not on the last state. */
export function brokenBy(before: State, after: State): InvariantName | null {
  return (
    byDecision(before, after) ??
    (before.agents === after.agents ? null : byAgents(before, after)) ??
    (before.tokens === after.tokens && before.value === after.value
      ? null
      : byKey(before, after)) ??
    byView(after)
  );
}

function byKey(before: State, after: State): InvariantName | null {
  const sameWorld = before.world === after.world;
  const isWritten = before.value !== after.value;
  for (const stage of STAGES) {
    const moved = isWritten && sameWorld ? byMove(before, after, stage) : null;
    const broken = moved ?? byPointer(after, stage);
    if (broken !== null) return broken;
  }
  return (
    byTokens(after) ??
    (sameWorld ? bySweep(before, after) : null) ??
    (isWritten ? (byTries(after, 0) ?? byTries(after, 1)) : null)
  );
}

function byMove(before: State, after: State, stage: StageIndex): InvariantName | null {
  const [old, now] = [stageOf(before.value, stage), stageOf(after.value, stage)];
  const isSameHolder = before.value.lockOf[stage] === after.value.lockOf[stage];
  const isFromHeld = old.lock.state === 'held' || old.lock.state === 'committed';
  if (now.lock.state === 'committed' && !(isSameHolder && isFromHeld)) return 'holder';
  if ((now.done?.run ?? 0) < (old.done?.run ?? 0)) return 'pointer';
  if (old.lock.state === 'dead' && now.lock.state === 'held') return 'limit';
  return byRequest(old, now);
}

function byRequest(old: StageState, now: StageState): InvariantName | null {
  const isAsked = now.requests.length > old.requests.length;
  const isRevived = old.lock.state === 'dead' && now.lock.state === 'free';
  if (isAsked && old.lock.state === 'dead' && !isRevived) return 'requests';
  const counted = now.wanted - old.wanted + Number(isRevived);
  return counted === 1 || (counted === 0 && !isAsked) ? null : 'requests';
}

function byPointer(state: State, stage: StageIndex): InvariantName | null {
  const { wanted, done, requests } = stageOf(state.value, stage);
  if ((done?.run ?? 0) > wanted) return 'wanted';
  if (wanted > Math.max(requests.length, sent(state, stage))) return 'requests';
  const token = state.value.doneOf[stage];
  if (token < 0) return null;
  if (!tokenAt(state, token).accepted) return 'readers';
  return tokenAt(state, token).named === FILES.full ? null : 'whole';
}

/** Requests that clients have sent: with one stage all of them, with two what the key itself keeps is enough. */
function sent(state: State, stage: StageIndex): number {
  const { requests } = stageOf(state.value, stage);
  if (requests.length > 0) return requests.length;
  return [0, 1, 2, 3].filter((bit) => ((state.issued >> bit) & 1) === 1).length;
}

/** The history of attempts against what the lock says of them. */
function byTries(state: State, stage: StageIndex): InvariantName | null {
  const { lock } = stageOf(state.value, stage);
  if (lock.state === 'committed') return null;
  const run = currentRun(state.value, stage);
  const ended = (end: number) =>
    state.tokens.filter((token) => token.stage === stage && token.run === run && token.end === end);
  const lostBy = ended(END.lost).map(({ agent }) => agentIdOf(agent));
  const failures = ended(END.failed).length;
  const kills = lostBy.length >= LIMITS.lossesMax && new Set(lostBy).size >= 2;
  const isAtLimit = failures >= LIMITS.failuresMax || kills;
  // Skipped, a run is dead at its limit and before it.
  const isUnwanted = lock.state === 'dead' && lock.ended !== undefined;
  if (!isUnwanted && isAtLimit !== (lock.state === 'dead')) return 'limit';
  const isCounted = lock.failures === failures && `${lock.lostBy}` === `${lostBy}`;
  return isCounted ? null : 'tries';
}

function byTokens(state: State): InvariantName | null {
  const runs = new Set<number>();
  for (const [index, token] of state.tokens.entries()) {
    const broken =
      byAnswers(token, state.world) ?? (token.accepted ? byResult(state, index) : null);
    if (broken !== null) return broken;
    const run = token.stage * 16 + token.run;
    if (token.accepted && runs.has(run)) return 'once';
    if (token.accepted) runs.add(run);
  }
  return null;
}

/** What is told about a token of an older world binds nobody: its agent drops it anyway. */
function byAnswers({ answers, accepted, world }: TokenRecord, now: number): InvariantName | null {
  if (world !== now) return null;
  const isAccepted = (answers & ANSWER.accepted) !== 0;
  const isFenced = (answers & ANSWER.fenced) !== 0;
  const isNoted = (answers & ANSWER.noted) !== 0;
  return (isAccepted && (isFenced || !accepted)) || ((isFenced || isNoted) && accepted)
    ? 'answers'
    : null;
}

function byResult(state: State, index: number): InvariantName | null {
  const { stage, run, named, staged, mixed } = tokenAt(state, index);
  if (mixed) return 'ownRun';
  const isNamedNow = isNamed(state, index);
  if (!isNamedNow && (stageOf(state.value, stage).done?.run ?? 0) <= run) return 'kept';
  const isWaiting = state.value.lockOf[stage] === index && staged === FILES.full;
  return named === FILES.full || isWaiting ? null : 'whole';
}

function bySweep(before: State, after: State): InvariantName | null {
  const swept = before.tokens.some(
    ({ checkpoint }, index) =>
      checkpoint &&
      after.tokens[index]?.checkpoint === false &&
      isCurrentCheckpoint(before, tokenAt(before, index)),
  );
  return swept ? 'checkpoint' : null;
}

/** A coordinator may not make up its mind to take back what lies there complete. By hand it may. */
function byDecision(before: State, after: State): InvariantName | null {
  if (before.pending === after.pending) return null;
  const isDecidedNow = after.pending.find(
    ({ kind, end, token, id }) =>
      kind === 'settle' &&
      (end === END.lost || end === END.returned) &&
      stageOf(after.value, tokenAt(after, token).stage).lock.state === 'held' &&
      tokenAt(after, token).staged === FILES.full &&
      !before.pending.some((other) => other.id === id),
  );
  return isDecidedNow === undefined ? null : 'finished';
}

function byAgents(before: State, after: State): InvariantName | null {
  const isEnded = before.agents.some((old, index) => {
    const now = after.agents[index];
    const lived = old.mode === MODE.up && old.recordIsMine && old.record === RECORD.live;
    const isStill = now?.mode === MODE.up && before.world === after.world;
    return lived && isStill && now.recordSession > old.recordSession && !now.recordIsMine;
  });
  return isEnded ? 'alive' : null;
}

function byView(state: State): InvariantName | null {
  return state.view >= 0 && !tokenAt(state, state.view).accepted ? 'readers' : null;
}

/** All that was asked for is done or dead, or waits for what is; and no agent has anything left. */
export function isSettled(state: State): boolean {
  const isDone = STAGES.every((stage) => {
    const { lock, done, wanted } = stageOf(state.value, stage);
    if (lock.state === 'dead') return true;
    const waits = stage === 1 && stageOf(state.value, 0).done === null;
    return lock.state === 'free' && ((done?.run ?? 0) === wanted || waits);
  });
  if (!isDone || state.agents.some(({ task, disk }) => task >= 0 || disk !== 0)) return false;
  return state.view === -1 || state.view === state.value.doneOf[0];
}
