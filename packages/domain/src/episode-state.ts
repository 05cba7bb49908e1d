import type { AgentId, ClusterId, Epoch, Nonce, SessionId, Token } from './ids.ts';
import type { ManifestRef } from './manifest.ts';
import type { Stage } from './stage.ts';

/**
 * The state of one episode: what its one key in the bucket holds.
 *
 * States of a stage's lock, and who may change them (always the leader, always by one CAS at the revision it read):
 *   free      nobody works on it; with `done.run < wanted` it may be assigned
 *   held      this value IS the lock: one agent, in one session, under one fencing token
 *   committed its result is accepted for good; any leader may finish it, nobody may take it back
 *   dead      given up after too many failures or losses, or skipped or canceled by somebody; only a new request frees it
 *
 * What is never true: two tokens accepted for one run; `done.run > wanted`; a committed lock revoked;
 * a `done` that goes back to an older run; audio taken away that a wanted run still works on; files purged of a result
 * without a newer run being wanted.
 */
export interface EpisodeState {
  readonly cluster: ClusterId;
  /** The last writer's. */
  readonly nonce: Nonce;
  readonly stages: { readonly [S in Stage]: StageState };
}

export interface StageState {
  /** Number of the newest requested run; 0 when none was ever asked for. */
  readonly wanted: number;
  /** Ids of the requests that were counted into `wanted`, newest last, so that a client may ask again after a time-out. */
  readonly requests: readonly string[];
  readonly lock: Lock;
  /** The newest finished run: the pointer that readers follow. Only `publish` changes its run. */
  readonly done: Done | null;
  /** What was asked for with a run that is not done yet, of that run alone; absent: it is done as every other. */
  readonly wish?: RunWish;
}

export interface RunWish {
  readonly run: number;
  /** Of transcription. */
  readonly model: string;
}

export interface Done {
  readonly run: number;
  readonly token: Token;
  readonly manifest: ManifestRef;
  /** Its audio was taken away on purpose, and nothing can work on it any more; absent while it is there. */
  readonly audio?: AudioRemoval;
  /** All its files go or are gone, with its feed (`feed remove --purge`): nobody follows the pointer any more. */
  readonly purged?: true;
}

/** The newest finished run, unless its files were purged: what readers may follow. */
export function keptRun({ done }: StageState): Done | null {
  return done?.purged === true ? null : done;
}

/** going: decided, and irrevocable; what of it is left is being removed. gone: nothing of it is left. */
export type AudioRemoval = 'going' | 'gone';

/** What went wrong in the current run so far. Failures are the job's, losses are the agents'. */
export interface Tries {
  readonly failures: number;
  /** Agents that were lost while they held it, oldest first. */
  readonly lostBy: readonly AgentId[];
}

export interface FreeLock extends Tries {
  readonly state: 'free';
  /** Not to be assigned before this wall-clock time; 0 for at once. */
  readonly notBeforeMs: number;
  /** Why it came free again; null when it did not fail. */
  readonly reason: string | null;
}

interface Holding extends Tries {
  readonly run: number;
  readonly token: Token;
  readonly agent: AgentId;
  readonly session: SessionId;
  readonly epoch: Epoch;
  /** The assigning writer's: two rivals may try one token, and this tells who won. */
  readonly nonce: Nonce;
  /** Wall clock of the leader that gave it. For show only. */
  readonly sinceMs: number;
}

export interface HeldLock extends Holding {
  readonly state: 'held';
}

export interface CommittedLock extends Holding {
  readonly state: 'committed';
  readonly manifest: ManifestRef;
}

export interface DeadLock extends Tries {
  readonly state: 'dead';
  readonly run: number;
  readonly reason: string;
  /** Somebody does not want it: nothing is wrong with it. Absent when it failed or was lost. */
  readonly ended?: EndedByHand;
}

/** skipped: nobody wants the run. canceled: somebody called off the attempt. */
export type EndedByHand = 'skipped' | 'canceled';

export type Lock = FreeLock | HeldLock | CommittedLock | DeadLock;

export const FRESH_LOCK: FreeLock = {
  state: 'free',
  failures: 0,
  lostBy: [],
  notBeforeMs: 0,
  reason: null,
};

/** An episode as the poller first writes it: one run of every stage wanted. */
export function newEpisode(cluster: ClusterId, nonce: Nonce, request: string): EpisodeState {
  const stage: StageState = { wanted: 1, requests: [request], lock: FRESH_LOCK, done: null };
  return { cluster, nonce, stages: { download: stage, transcribe: stage } };
}
