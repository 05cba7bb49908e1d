import type { Lock, StageState } from '@podctl/domain/episode-state.ts';
import type { AgentId, EpisodeId, FeedId, Token } from '@podctl/domain/ids.ts';
import { STAGE_ROWS, STAGES, type Stage } from '@podctl/domain/stage.ts';
import type { EpisodeRow } from './snapshot.ts';
import { isUnwanted } from './tally.ts';

/** returned: handed back unharmed. dead: it failed or was lost, and is given up. canceled: given up for a person, who canceled or skipped it. */
export type AttemptOutcome = 'done' | 'failed' | 'returned' | 'lost' | 'dead' | 'canceled';

/** One try at a job, after its end. */
export interface EndedAttempt {
  readonly feed: FeedId;
  readonly episode: EpisodeId;
  readonly stage: Stage;
  readonly run: number;
  readonly token: Token;
  /** Null when its beginning was not seen. */
  readonly agent: AgentId | null;
  /** From 1; null when its beginning was not seen. */
  readonly attempt: number | null;
  /** Wall clock of the leader that gave it; null when that was not seen. */
  readonly beganMs: number | null;
  /** Wall clock of this coordinator. */
  readonly endedMs: number;
  readonly outcome: AttemptOutcome;
  readonly reason: string;
}

/** About 300 bytes each. */
export const ENDED_KEPT_MAX = 2_000;
/** Of stages that nobody waits for: a thousand scores in a minute leave the failures of a day's transcriptions known. */
export const ASIDE_KEPT_MAX = 500;

/** The attempts that ended since this coordinator started, the newest of them. */
export class JobHistory {
  readonly #ended: EndedAttempt[] = [];
  #aside = 0;

  /** Oldest first. */
  ended(): readonly EndedAttempt[] {
    return this.#ended;
  }

  /** The agents with which a stage of an episode failed, as far as that is known here. */
  failedWith(episode: EpisodeId, stage: Stage): readonly AgentId[] {
    return this.#ended.flatMap((attempt) =>
      attempt.episode === episode && attempt.stage === stage && attempt.outcome === 'failed'
        ? (attempt.agent ?? [])
        : [],
    );
  }

  /** Takes what a change of an episode's value tells. */
  take(before: EpisodeRow, after: EpisodeRow, nowMs: number): void {
    for (const attempt of attemptsEnded(before, after, nowMs)) {
      this.#ended.push(attempt);
      if (isAside(attempt)) this.#aside += 1;
      if (this.#aside > ASIDE_KEPT_MAX) this.#drop(this.#ended.findIndex(isAside));
      else if (this.#ended.length > ENDED_KEPT_MAX) this.#drop(0);
    }
  }

  #drop(at: number): void {
    this.#aside -= this.#ended.splice(at, 1).filter(isAside).length;
  }
}

function isAside({ stage }: EndedAttempt): boolean {
  return STAGE_ROWS[stage].aside;
}

/** The tail tells the newest value only: of what came and went between two values nothing is known. */
export function attemptsEnded(
  before: EpisodeRow,
  after: EpisodeRow,
  endedMs: number,
): EndedAttempt[] {
  const { feed, episode } = after;
  const [old, now] = [before.state.stages, after.state.stages];
  return STAGES.flatMap((stage) => {
    const end = endOf(old[stage], now[stage]);
    return end === null ? [] : [{ feed, episode, stage, endedMs, ...end }];
  });
}

type End = Omit<EndedAttempt, 'feed' | 'episode' | 'stage' | 'endedMs'>;

function endOf(was: StageState, is: StageState): End | null {
  const accepted = acceptedOf(is);
  if (accepted !== null && accepted.run !== acceptedOf(was)?.run) {
    const { run, token } = accepted;
    return { ...begunAs(was.lock, is.lock, token), run, token, outcome: 'done', reason: '' };
  }
  if (was.lock.state !== 'held' || holds(is.lock, was.lock.token)) return null;
  const { run, token } = was.lock;
  const reason = is.lock.state === 'free' || is.lock.state === 'dead' ? is.lock.reason : null;
  const outcome = outcomeOf(was.lock, is.lock);
  return { ...begunAs(was.lock, is.lock, token), run, token, outcome, reason: reason ?? '' };
}

/** By a commit, or by the done pointer that follows it. */
function acceptedOf({ lock, done }: StageState) {
  return lock.state === 'committed' ? lock : done;
}

function holds(lock: Lock, token: Token): boolean {
  return (lock.state === 'held' || lock.state === 'committed') && lock.token === token;
}

function begunAs(was: Lock, is: Lock, token: Token): Pick<End, 'agent' | 'attempt' | 'beganMs'> {
  for (const lock of [was, is])
    if ((lock.state === 'held' || lock.state === 'committed') && lock.token === token)
      return {
        agent: lock.agent,
        attempt: lock.failures + lock.lostBy.length + 1,
        beganMs: lock.sinceMs,
      };
  return { agent: null, attempt: null, beganMs: null };
}

/** What is counted against the job tells how it ended, unless somebody did not want it any more. */
function outcomeOf(was: Lock, is: Lock): AttemptOutcome {
  const isFailure = is.failures > was.failures;
  const isLoss = is.lostBy.length > was.lostBy.length;
  if (is.state === 'dead') return isUnwanted(is) ? 'canceled' : 'dead';
  if (isFailure) return 'failed';
  return isLoss ? 'lost' : 'returned';
}
