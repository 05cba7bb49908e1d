import type {
  AudioRemoval,
  EpisodeState,
  FreeLock,
  HeldLock,
  Lock,
  StageState,
} from './episode-state.ts';
import { FRESH_LOCK } from './episode-state.ts';
import type { AgentId, ClusterId, Epoch, Nonce, SessionId, Token } from './ids.ts';
import type { ManifestRef } from './manifest.ts';
import { err, ok, type Result } from './result.ts';
import { type AttemptEnd, afterAttempt, REASON_LENGTH_MAX, type RetryLimits } from './retry.ts';
import { withoutOldWish, withWish } from './run-wish.ts';
import { STAGE_INPUT, STAGES, type Stage } from './stage.ts';

/** The one table of legal moves: from which states of a stage's lock each move may start. */
export const LEGAL_FROM = {
  request: ['free', 'held', 'committed', 'dead'],
  assign: ['free'],
  commit: ['held'],
  revoke: ['held'],
  publish: ['committed'],
  hasten: ['free'],
  skip: ['free', 'dead'],
  expire: ['free', 'dead'],
  expired: ['free', 'held', 'committed', 'dead'],
  adopt: ['free'],
  purge: ['free', 'dead'],
} as const satisfies { readonly [K in Move['kind']]: readonly Lock['state'][] };

export type Move =
  /** Somebody wants one more run, or the dead one after all; counted once for a request id. `model`: for that run alone. */
  | { readonly kind: 'request'; readonly request: string; readonly model?: string | undefined }
  | { readonly kind: 'assign'; readonly holder: Holder }
  /** The durable point of a result. */
  | { readonly kind: 'commit'; readonly token: Token; readonly manifest: ManifestRef }
  | {
      readonly kind: 'revoke';
      readonly token: Token;
      readonly end: AttemptEnd;
      readonly nowMs: number;
      readonly random: number;
    }
  /** The files have their final names: readers may follow. */
  | { readonly kind: 'publish'; readonly token: Token }
  /** What waits for its next attempt may have it at once; what went wrong until now still counts. `model`: as of a request. */
  | { readonly kind: 'hasten'; readonly model?: string | undefined }
  /** Somebody does not want the run, or not any more after it was given up. */
  | { readonly kind: 'skip'; readonly reason: string }
  /** Retention takes the audio of the done download away: the record, before anything is removed. */
  | { readonly kind: 'expire'; readonly token: Token }
  /** Nothing of it is left. */
  | { readonly kind: 'expired'; readonly token: Token }
  /** Somebody has its files already: assigned and committed in one write, so that no agent ever holds it. */
  | { readonly kind: 'adopt'; readonly holder: Holder; readonly manifest: ManifestRef }
  /** Its feed is purged: the record, before any of the files of the done run go; and a newer run is wanted in its place. */
  | { readonly kind: 'purge'; readonly token: Token };

export interface Holder {
  /** The world in which it is given: after a restore, what was written before is of another one. */
  readonly cluster: ClusterId;
  /** The revision that the assigning CAS expects. */
  readonly token: Token;
  readonly agent: AgentId;
  readonly session: SessionId;
  readonly epoch: Epoch;
  readonly nowMs: number;
}

/** Requests kept for clients that ask again; an older one asked again would count anew. */
export const REQUESTS_KEPT_MAX = 8;

/**
 * The state after a move, to be written by CAS at the revision that was read.
 * Errors say why the move is not legal from there: the reader must read again, not insist.
 */
export function move(
  state: EpisodeState,
  stage: Stage,
  step: Move,
  nonce: Nonce,
  limits: RetryLimits,
): Result<EpisodeState, string> {
  const before = state.stages[stage];
  const from: readonly Lock['state'][] = LEGAL_FROM[step.kind];
  if (!from.includes(before.lock.state))
    return err(`${step.kind} is not legal from ${before.lock.state}`);
  const after = moveStage(state, stage, step, nonce, limits);
  if (!after.ok) return after;
  const isGiven = step.kind === 'assign' || step.kind === 'adopt';
  const cluster = isGiven ? step.holder.cluster : state.cluster;
  const stages = { ...state.stages, [stage]: after.value };
  // One that was counted before asks for nothing more.
  const asked = after.value === before ? null : requestOf(step, before);
  if (asked === null) return ok({ cluster, nonce, stages });
  return ok({ cluster, nonce, stages: withInput(stages, stage, asked) });
}

/** The id of the request that a move makes; null when it makes none. */
function requestOf(step: Move, before: StageState): string | null {
  if (step.kind === 'request') return step.request;
  return step.kind === 'purge' ? purgeRequest(before) : null;
}

/** Of its own for each run, so that no later purge is taken for this one. */
function purgeRequest({ done, requests }: StageState): string {
  const id = `purged-r${done?.run ?? 0}`;
  return requests.includes(id) ? `${id}:${done?.token ?? 0}` : id;
}

/** Whoever asks for a run whose input was taken away asks for that input as well. */
function withInput(
  stages: EpisodeState['stages'],
  stage: Stage,
  request: string,
): EpisodeState['stages'] {
  const input = STAGE_INPUT[stage];
  if (input === null || !isWanted(stages[stage])) return stages;
  const before = stages[input];
  if (before.done === null || hasResult(before) || isWanted(before)) return stages;
  // Its id may have been counted for the input as well, for a run that is done: of this one it must be another.
  const isCounted = before.requests.includes(request);
  const again = requested(before, isCounted ? `${request}:r${nextRun(before)}` : request);
  return again.ok ? { ...stages, [input]: again.value } : stages;
}

/** Whether a run is asked for that is not done, and nobody has given it up. */
function isWanted({ wanted, lock, done }: StageState): boolean {
  return (done?.run ?? 0) < wanted && lock.state !== 'dead';
}

/** Null when the audio of a done download may be taken away, as far as its key says; else the one reason against it. */
export function whyNotExpirable(state: EpisodeState, stage: Stage): string | null {
  const { done } = state.stages[stage];
  if (stage !== 'download' || done === null) return 'it has no audio';
  if (!hasResult(state.stages[stage])) return 'its audio was taken away';
  if (isWanted(state.stages[stage])) return 'it is to be downloaded again';
  const worker = STAGES.find((one) => STAGE_INPUT[one] === stage && isBusy(state.stages[one]));
  return worker === undefined ? null : `it is still to be worked on: ${worker}`;
}

function isBusy(stage: StageState): boolean {
  return isHolding(stage) || isWanted(stage);
}

function isHolding({ lock }: StageState): boolean {
  return lock.state === 'held' || lock.state === 'committed';
}

function moveStage(
  state: EpisodeState,
  stage: Stage,
  step: Move,
  nonce: Nonce,
  limits: RetryLimits,
): Result<StageState, string> {
  const before = state.stages[stage];
  switch (step.kind) {
    case 'request':
      return requested(before, step.request, step.model);
    case 'assign':
      return assigned(state, stage, step.holder, nonce);
    case 'adopt': {
      const given = assigned(state, stage, step.holder, nonce);
      return given.ok
        ? ok({
            ...before,
            lock: { ...given.value.lock, state: 'committed', manifest: step.manifest },
          })
        : given;
    }
    case 'commit':
      return withToken(before, step.token, (lock) =>
        lock.state === 'held'
          ? { ...before, lock: { ...lock, state: 'committed', manifest: step.manifest } }
          : before,
      );
    case 'revoke':
      return withToken(before, step.token, (lock) =>
        lock.state === 'held'
          ? { ...before, lock: afterAttempt(lock, step.end, limits, step.nowMs, step.random) }
          : before,
      );
    case 'publish':
      return withToken(before, step.token, (lock) =>
        lock.state === 'committed'
          ? {
              ...withoutOldWish(before, lock.run),
              lock: FRESH_LOCK,
              done: { run: lock.run, token: lock.token, manifest: lock.manifest },
            }
          : before,
      );
    case 'hasten':
      return ok(
        before.lock.state === 'free'
          ? {
              ...withWish(before, nextRun(before), step.model),
              lock: { ...before.lock, notBeforeMs: 0 },
            }
          : before,
      );
    case 'skip':
      return skipped(before, step.reason);
    case 'expire': {
      const refusal = whyNotExpirable(state, stage);
      return refusal === null ? withAudio(before, step.token, 'going') : err(refusal);
    }
    case 'expired':
      return withAudio(before, step.token, 'gone');
    case 'purge': {
      const refusal = whyNotPurgeable(state, stage);
      return refusal === null ? purged(before, step.token) : err(refusal);
    }
  }
}

/** Null when the files of a done run may be purged, as far as its key says; else the one reason against it. */
export function whyNotPurgeable({ stages }: EpisodeState, stage: Stage): string | null {
  const { done } = stages[stage];
  if (done === null || done.purged === true) return 'it has no files';
  const worker = STAGES.find((one) => STAGE_INPUT[one] === stage && isHolding(stages[one]));
  return worker === undefined ? null : `it is worked on: ${worker}`;
}

function purged(before: StageState, token: Token): Result<StageState, string> {
  const { done } = before;
  if (done?.token !== token) return err(`token ${token} is not the done one`);
  const { run, manifest } = done;
  const after: StageState = { ...before, done: { run, token, manifest, purged: true } };
  return isWanted(after) ? ok(after) : requested(after, purgeRequest(before));
}

function withAudio(
  before: StageState,
  token: Token,
  audio: AudioRemoval,
): Result<StageState, string> {
  const { done } = before;
  if (done?.token !== token) return err(`token ${token} is not the done one`);
  if (audio === 'gone' && done.audio === undefined) return err('its audio was never taken away');
  return ok({ ...before, done: { ...done, audio } });
}

function assigned(
  state: EpisodeState,
  stage: Stage,
  holder: Holder,
  nonce: Nonce,
): Result<StageState & { readonly lock: HeldLock }, string> {
  const before = state.stages[stage];
  const refusal = whyNotAssignable(state, stage) ?? whyNotInNewWorld(state, holder);
  return refusal === null ? ok({ ...before, lock: held(before, holder, nonce) }) : err(refusal);
}

function skipped(before: StageState, reason: string): Result<StageState, string> {
  const run = nextRun(before);
  if (run > before.wanted) return err('no further run is wanted');
  const { failures, lostBy } = before.lock;
  const kept = reason.slice(0, REASON_LENGTH_MAX);
  return ok({
    ...before,
    lock: { state: 'dead', run, failures, lostBy, reason: kept, ended: 'skipped' },
  });
}

/** Null when the stage may be assigned by what its key says; else the one reason against it. */
export function whyNotAssignable(state: EpisodeState, stage: Stage): string | null {
  const { lock, done, wanted } = state.stages[stage];
  if (lock.state !== 'free') return `its lock is ${lock.state}`;
  if ((done?.run ?? 0) >= wanted) return 'no further run is wanted';
  const input = STAGE_INPUT[stage];
  if (input !== null && !hasResult(state.stages[input])) return `it waits for its ${input}`;
  return null;
}

/**
 * An assignment writes its own cluster into the value, and by the one that stands there the files of an accepted result
 * are found until they have their final names: after a restore the two differ, and the result would be lost.
 */
function whyNotInNewWorld(state: EpisodeState, { cluster }: Holder): string | null {
  const unnamed = STAGES.find((stage) => state.stages[stage].lock.state === 'committed');
  if (cluster === state.cluster || unnamed === undefined) return null;
  return `its ${unnamed} of before the restore is being published`;
}

/** A done run whose files are there to be worked on. */
export function hasResult({ done }: StageState): boolean {
  return done !== null && done.audio === undefined && done.purged !== true;
}

/** The run that an assignment of this stage would do. */
export function nextRun(stage: StageState): number {
  return (stage.done?.run ?? 0) + 1;
}

function requested(
  before: StageState,
  request: string,
  model?: string,
): Result<StageState, string> {
  if (before.requests.includes(request)) return ok(before);
  // The run that died was never done: asking again asks for that run, not for one more after it.
  const isDead = before.lock.state === 'dead';
  const lock: Lock = isDead ? FRESH_LOCK : before.lock;
  const wanted = before.wanted + (isDead ? 0 : 1);
  return ok({
    ...withWish(before, isDead ? nextRun(before) : wanted, model),
    wanted,
    requests: [...before.requests, request].slice(-REQUESTS_KEPT_MAX),
    lock,
  });
}

function held(before: StageState, holder: Holder, nonce: Nonce): HeldLock {
  const free = before.lock as FreeLock;
  return {
    state: 'held',
    run: nextRun(before),
    token: holder.token,
    agent: holder.agent,
    session: holder.session,
    epoch: holder.epoch,
    nonce,
    sinceMs: holder.nowMs,
    failures: free.failures,
    lostBy: free.lostBy,
  };
}

function withToken(
  before: StageState,
  token: Token,
  then: (lock: Lock) => StageState,
): Result<StageState, string> {
  const { lock } = before;
  const holds = (lock.state === 'held' || lock.state === 'committed') && lock.token === token;
  return holds ? ok(then(lock)) : err(`token ${token} does not hold the lock`);
}
