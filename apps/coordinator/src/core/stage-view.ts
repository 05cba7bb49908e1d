import type { StageState } from '@podctl/domain/episode-state.ts';
import { STAGES, type Stage } from '@podctl/domain/stage.ts';
import { type EpisodeRow, lockId } from './snapshot.ts';
import type { Picture } from './view.ts';

export type StageWord =
  | 'not_wanted'
  | 'waiting'
  | 'running'
  | 'publishing'
  | 'done'
  | 'dead'
  | 'skipped'
  | 'canceled';

export interface StageView {
  readonly stage: Stage;
  readonly word: StageWord;
  readonly state: StageState;
  readonly progress: number;
  readonly reason: string;
}

export function stageViews(picture: Picture, row: EpisodeRow): StageView[] {
  return STAGES.map((stage) => {
    const state = row.state.stages[stage];
    const { lock } = state;
    const token = lock.state === 'held' ? lock.token : 0;
    const progress = picture.progress.of(lockId(row.feed, row.episode, stage), token);
    const reason = lock.state === 'free' || lock.state === 'dead' ? (lock.reason ?? '') : '';
    return { stage, word: stageWord(state), state, progress: progress?.progress ?? 0, reason };
  });
}

export function stageWord({ lock, done, wanted }: StageState): StageWord {
  switch (lock.state) {
    case 'held':
      return 'running';
    case 'committed':
      return 'publishing';
    case 'dead':
      return lock.ended ?? 'dead';
    case 'free':
      if ((done?.run ?? 0) < wanted) return 'waiting';
      return done === null ? 'not_wanted' : 'done';
  }
}

/** It failed or was lost, and waits for its next attempt. */
export function isRetrying({ lock, done, wanted }: StageState): boolean {
  const isLeft = lock.state === 'free' && (done?.run ?? 0) < wanted;
  return isLeft && lock.failures + lock.lostBy.length > 0;
}
