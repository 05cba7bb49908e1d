import { keptRun, type Lock } from '@podctl/domain/episode-state.ts';
import type { AgentId, EpisodeId, FeedId, Token } from '@podctl/domain/ids.ts';
import { STAGES, type Stage } from '@podctl/domain/stage.ts';
import type { AttemptOutcome, EndedAttempt } from './job-history.ts';
import type { EpisodeRow } from './snapshot.ts';
import { isUnwanted } from './tally.ts';
import { type LockView, lockViews, type Picture } from './view.ts';

/** waiting: for an agent, for its input, or for its next attempt. publishing: its result is accepted. */
export type JobState = 'waiting' | 'running' | 'publishing' | AttemptOutcome;

/** An attempt at a job, or the job as it stands when it waits. */
export interface JobView {
  readonly feed: FeedId;
  readonly episode: EpisodeId;
  readonly stage: Stage;
  readonly run: number;
  readonly state: JobState;
  /** Null while it waits. */
  readonly token: Token | null;
  readonly agent: AgentId | null;
  readonly attempt: number | null;
  readonly progress: number;
  readonly beganMs: number | null;
  readonly endedMs: number | null;
  readonly reason: string;
}

/** The reason of a job that a person does not want. @param by may be empty. */
export function canceledBy(by: string): string {
  return `canceled by ${by === '' ? 'an operator' : by}`;
}

/** What is worked on, in order of feed, episode and stage. */
export function runningJobs(picture: Picture): JobView[] {
  return lockViews(picture).map(runningJob);
}

const HELD_AHEAD = 'held ahead: it begins when its agent has a slot free';

function runningJob(held: LockView): JobView {
  const { feed, episode, stage, lock, progress, waiting, begunMs, note } = held;
  return {
    ...{ feed, episode, stage, run: lock.run, token: lock.token, agent: lock.agent },
    state: lock.state === 'held' ? 'running' : 'publishing',
    attempt: lock.failures + lock.lostBy.length + 1,
    progress: lock.state === 'held' ? progress : 1,
    beganMs: waiting ? null : (begunMs ?? lock.sinceMs),
    ...{ endedMs: null, reason: waiting ? HELD_AHEAD : note },
  };
}

export function endedJob({ outcome, ...attempt }: EndedAttempt): JobView {
  return { ...attempt, state: outcome, progress: outcome === 'done' ? 1 : 0 };
}

/** The stage that is meant when none is named: what is worked on, else what ended last, else what is next. */
export function stageMeant({ state, episode }: EpisodeRow, ended: readonly EndedAttempt[]): Stage {
  const running = STAGES.filter((stage) => isHolding(state.stages[stage].lock));
  const last = ended.findLast((attempt) => attempt.episode === episode);
  const dead = STAGES.find((stage) => state.stages[stage].lock.state === 'dead');
  return (
    running.at(-1) ??
    last?.stage ??
    dead ??
    STAGES.find((stage) => keptRun(state.stages[stage]) === null) ??
    'transcribe'
  );
}

/** The run that is meant when none is named: the one that is worked on or given up, else the next one, else the last. */
export function runMeant({ state }: EpisodeRow, stage: Stage): number {
  const { lock, done, wanted } = state.stages[stage];
  if (lock.state !== 'free') return lock.run;
  return Math.max(1, Math.min(wanted, (done?.run ?? 0) + 1));
}

/** A job as it stands now; null for a run that nobody asked for, or of which nothing is known any more. */
export function jobNow(
  picture: Picture,
  row: EpisodeRow,
  stage: Stage,
  run: number,
): JobView | null {
  const { feed, episode, state } = row;
  const { lock } = state.stages[stage];
  if (!isHolding(lock) || lock.run !== run) return jobAtRest(row, stage, run);
  const held = lockViews(picture).find(
    (view) => view.feed === feed && view.episode === episode && view.stage === stage,
  );
  return held === undefined ? null : runningJob(held);
}

/** The state alone, without looking at other jobs. */
export function jobStateNow(row: EpisodeRow, stage: Stage, run: number): JobState | null {
  const { lock } = row.state.stages[stage];
  if (!isHolding(lock) || lock.run !== run) return jobAtRest(row, stage, run)?.state ?? null;
  return lock.state === 'held' ? 'running' : 'publishing';
}

const UNBEGUN = {
  ...{ token: null, agent: null, attempt: null, progress: 0 },
  ...{ beganMs: null, endedMs: null, reason: '' },
} as const;

function jobAtRest(
  { feed, episode, state }: EpisodeRow,
  stage: Stage,
  run: number,
): JobView | null {
  const { lock, done, wanted } = state.stages[stage];
  const of = { feed, episode, stage, run, ...UNBEGUN };
  if (lock.state === 'dead' && lock.run === run)
    return { ...of, state: isUnwanted(lock) ? 'canceled' : 'dead', reason: lock.reason };
  if (done?.run === run) return { ...of, state: 'done', token: done.token, progress: 1 };
  if (run <= (done?.run ?? 0) || run > wanted) return null;
  return { ...of, state: 'waiting', reason: lock.state === 'free' ? (lock.reason ?? '') : '' };
}

function isHolding(lock: Lock): lock is Extract<Lock, { state: 'held' | 'committed' }> {
  return lock.state === 'held' || lock.state === 'committed';
}
