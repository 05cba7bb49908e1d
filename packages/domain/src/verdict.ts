import type { EpisodeState } from './episode-state.ts';
import type { ClusterId, SessionId, Token } from './ids.ts';
import type { Stage } from './stage.ts';

/** What an agent asks when it is through with a token. */
export interface VerdictQuestion {
  readonly cluster: ClusterId;
  readonly session: SessionId;
  readonly stage: Stage;
  readonly run: number;
  readonly token: Token;
  readonly outcome: 'finished' | 'failed';
}

/**
 * accepted: the result is the accepted one, now and for ever.
 * over:     a later run is done; drop the copy.
 * fenced:   the lock went to somebody else; drop the copy.
 * noted:    the failure is on record.
 */
export type VerdictAnswer = 'accepted' | 'over' | 'fenced' | 'noted';

export type Verdict =
  | { readonly kind: 'answer'; readonly answer: VerdictAnswer }
  /** The token holds the lock in this session: commit it if its files are complete, else revoke it; then ask the value again. */
  | { readonly kind: 'settle' }
  /** The token holds the lock, but from another session: that session is closed first (commit or revoke), then ask again. */
  | { readonly kind: 'close' }
  /** The agent says that it failed: revoke, then answer `noted`. */
  | { readonly kind: 'fail' };

/**
 * Answers from the value read by leader get, and from nothing else. A held token is never answered `fenced`:
 * first it is committed or revoked by CAS, then the answer comes from what was written.
 */
export function judge(state: EpisodeState, cluster: ClusterId, question: VerdictQuestion): Verdict {
  if (question.cluster !== cluster || state.cluster !== cluster) return answer('fenced');
  const { lock, done } = state.stages[question.stage];
  const { token } = question;
  // Also by its run: after a restore a new token may have the number of an old world's done one.
  if (done?.token === token && done.run === question.run) return answer('accepted');
  const holds = (lock.state === 'held' || lock.state === 'committed') && lock.token === token;
  if (!holds) return answer(withoutLock(done?.run ?? 0, question));
  if (lock.state === 'committed') return answer('accepted');
  if (lock.session !== question.session) return { kind: 'close' };
  return { kind: question.outcome === 'finished' ? 'settle' : 'fail' };
}

function withoutLock(doneRun: number, question: VerdictQuestion): VerdictAnswer {
  if (question.outcome === 'failed') return 'noted';
  return question.run < doneRun ? 'over' : 'fenced';
}

function answer(word: VerdictAnswer): Verdict {
  return { kind: 'answer', answer: word };
}
