import type { EpisodeState } from '@podctl/domain/episode-state.ts';
import type { EpisodeId, FeedId } from '@podctl/domain/ids.ts';
import { STAGES, type Stage } from '@podctl/domain/stage.ts';
import { isGivenUp, isUnwanted } from './tally.ts';

/** What is chosen to be tried again in bulk. */
export interface RetryFilter {
  readonly failed: boolean;
  readonly dead: boolean;
  readonly stages: readonly Stage[];
}

/** A job to be tried again. `run`: of one that is done, the run that is to be done anew; else null. */
export interface RetryJob {
  readonly feed: FeedId;
  readonly episode: EpisodeId;
  readonly stage: Stage;
  readonly run: number | null;
}

interface EpisodeName {
  readonly feed: FeedId;
  readonly episode: EpisodeId;
}

/** The jobs of an episode that a filter chooses: given up, or waiting for their next attempt. */
export function chosenJobs(
  { feed, episode }: EpisodeName,
  state: EpisodeState,
  filter: RetryFilter,
  nowMs: number,
): RetryJob[] {
  return filter.stages
    .filter((name) => {
      const { lock } = state.stages[name];
      return (filter.dead && isGivenUp(lock)) || (filter.failed && waits(state, name, nowMs));
    })
    .map((stage) => ({ feed, episode, stage, run: null }));
}

/**
 * The jobs of an episode that was named: all that is given up, skipped, canceled, never asked for, or waits for its next attempt.
 * A done one is done anew only where its stage is named, too.
 */
export function namedJobs(
  { feed, episode }: EpisodeName,
  state: EpisodeState,
  stage: Stage | null,
  nowMs: number,
): RetryJob[] {
  return (stage === null ? STAGES : [stage]).flatMap((name): RetryJob[] => {
    const { lock, done, wanted } = state.stages[name];
    const of = { feed, episode, stage: name };
    const isUnasked = wanted === 0 && lock.state === 'free';
    if (isGivenUp(lock) || isUnwanted(lock) || isUnasked || waits(state, name, nowMs))
      return [{ ...of, run: null }];
    const isDone = lock.state === 'free' && done !== null && done.run === wanted;
    return isDone && stage !== null ? [{ ...of, run: done.run }] : [];
  });
}

function waits({ stages }: EpisodeState, name: Stage, nowMs: number): boolean {
  const { lock, done, wanted } = stages[name];
  return lock.state === 'free' && (done?.run ?? 0) < wanted && lock.notBeforeMs > nowMs;
}
