import type { StageState } from './episode-state.ts';

/** The newest wish counts; without one, an older one for a run to come stays. */
export function withWish(before: StageState, run: number, model: string | undefined): StageState {
  return model === undefined ? before : { ...before, wish: { run, model } };
}

/** Without the wish for a run that is done now: what it was done with stands in its result. */
export function withoutOldWish({ wish, ...before }: StageState, run: number): StageState {
  return wish === undefined || wish.run <= run ? before : { ...before, wish };
}

/** Asked for, it takes an older wish back, as one for a model that no agent has. */
const AS_EVER = 'auto';

/** The model that was asked for with a run; null: as for every other. */
export function wishedModel({ wish }: StageState, run: number): string | null {
  return wish?.run === run && wish.model !== AS_EVER ? wish.model : null;
}
