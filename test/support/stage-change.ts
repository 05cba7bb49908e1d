import type { Done, EndedByHand, EpisodeState, Lock } from '@podctl/domain/episode-state.ts';
import { FRESH_LOCK } from '@podctl/domain/episode-state.ts';
import type { AgentId, Epoch, SessionId, Token } from '@podctl/domain/ids.ts';
import type { Stage } from '@podctl/domain/stage.ts';
import { NONCE } from './hand-built-fleet.ts';

/** Changes of an episode's state as tests need them; each sets one stage. */
export type StageChange = (state: EpisodeState) => EpisodeState;

export function held(
  stage: Stage,
  fields: { agent: AgentId; session: number; token?: number; sinceMs?: number },
): StageChange {
  const { agent, session, token = 5, sinceMs = 0 } = fields;
  return withLock(stage, {
    state: 'held',
    run: 1,
    token: token as Token,
    agent,
    session: session as SessionId,
    epoch: 41 as Epoch,
    nonce: NONCE,
    sinceMs,
    failures: 0,
    lostBy: [],
  });
}

export function done(
  stage: Stage,
  audioSeconds: number | null = null,
  quality?: number,
): StageChange {
  const record: Done = {
    run: 1,
    token: 5 as Token,
    manifest: {
      ...{ sha256: 'ab'.repeat(32), files: 2, bytes: 10, audioSeconds },
      ...(quality === undefined ? {} : { quality }),
    },
  };
  return (state) => ({
    ...state,
    stages: {
      ...state.stages,
      [stage]: { ...state.stages[stage], lock: FRESH_LOCK, done: record },
    },
  });
}

export function dead(stage: Stage, reason: string): StageChange {
  return withLock(stage, { state: 'dead', run: 1, failures: 5, lostBy: [], reason });
}

/** Somebody did not want it. */
export function unwanted(
  stage: Stage,
  ended: EndedByHand,
  reason = `${ended} by ann`,
): StageChange {
  return withLock(stage, { state: 'dead', run: 1, failures: 0, lostBy: [], reason, ended });
}

export function failed(stage: Stage, reason: string, notBeforeMs: number): StageChange {
  return withLock(stage, { state: 'free', failures: 2, lostBy: [], notBeforeMs, reason });
}

function withLock(stage: Stage, lock: Lock): StageChange {
  return (state) => ({
    ...state,
    stages: { ...state.stages, [stage]: { ...state.stages[stage], lock } },
  });
}
