import { type Move, move, whyNotAssignable } from './episode-move.ts';
import type { EpisodeState } from './episode-state.ts';
import type { AgentId, ClusterId, Epoch, Nonce, SessionId, Token } from './ids.ts';
import type { RetryLimits } from './retry.ts';
import { STAGES, type Stage } from './stage.ts';

const STEPS_MAX = 100;
const manifest = { sha256: '0'.repeat(64), files: 1, bytes: 9, audioSeconds: 60 };

/** For tests: the state after one diligent worker did all that there is to do. */
export function workedOff(
  last: { readonly state: EpisodeState; readonly revision: number },
  nonce: Nonce,
  limits: RetryLimits,
): EpisodeState {
  let { state, revision } = last;
  for (let left = STEPS_MAX; left > 0; left -= 1) {
    const next = nextStep(state, revision);
    if (next === null) return state;
    const moved = move(state, next.stage, next.step, nonce, limits);
    if (!moved.ok) throw new Error(moved.error);
    state = moved.value;
    revision += 1;
  }
  throw new Error('the work does not end');
}

function nextStep(state: EpisodeState, revision: number): { stage: Stage; step: Move } | null {
  for (const stage of STAGES) {
    const { lock } = state.stages[stage];
    if (lock.state === 'held')
      return { stage, step: { kind: 'commit', token: lock.token, manifest } };
    if (lock.state === 'committed') return { stage, step: { kind: 'publish', token: lock.token } };
    if (whyNotAssignable(state, stage) === null) {
      const holder = {
        cluster: 'c'.repeat(16) as ClusterId,
        token: revision as Token,
        agent: 'a' as AgentId,
        session: 1 as SessionId,
        epoch: 1 as Epoch,
        nowMs: 0,
      };
      return { stage, step: { kind: 'assign', holder } };
    }
  }
  return null;
}
