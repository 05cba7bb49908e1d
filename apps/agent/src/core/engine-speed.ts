/**
 * How fast an engine has proven to be: seconds of speech a second, with one model on one rung. Of the last jobs the slowest
 * counts: limits are made of it, and an engine that is well must never be killed by one.
 *
 * What decides is speech, not audio: a silent hour goes by in seconds and says nothing of an hour of talk.
 */
export interface EngineSpeed {
  /** Of the last jobs, newest last; empty: nothing is measured. */
  readonly measured: readonly number[];
}

export const UNMEASURED: EngineSpeed = { measured: [] };

/** Slower than this no engine is worth waiting for: an hour of audio in 20 hours. */
export const SPEED_FLOOR = 0.05;
const JOBS_KEPT = 8;
/** Less speech tells of the start, not of the speed. */
const SPEECH_SECONDS_MIN = 20;
/** After a limit ended a job that may have been well. */
const DOUBT = 4;

export function learn(
  speed: EngineSpeed,
  { speechSeconds, elapsedMs }: { readonly speechSeconds: number; readonly elapsedMs: number },
): EngineSpeed {
  if (!(speechSeconds >= SPEECH_SECONDS_MIN) || !(elapsedMs > 0)) return speed;
  const measured = (speechSeconds * 1_000) / elapsedMs;
  return { measured: [...speed.measured, measured].slice(-JOBS_KEPT) };
}

/** The next try has more time: the machine may have been busy with something else. */
export function doubt(speed: EngineSpeed): EngineSpeed {
  const slowest = slowestOf(speed);
  return slowest === null
    ? speed
    : { measured: [...speed.measured, slowest / DOUBT].slice(-JOBS_KEPT) };
}

/** Null: nothing is measured. */
export function slowestOf({ measured }: EngineSpeed): number | null {
  return measured.length === 0 ? null : Math.max(SPEED_FLOOR, Math.min(...measured));
}
