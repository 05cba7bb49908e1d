import { type EngineSpeed, SPEED_FLOOR, slowestOf } from './engine-speed.ts';

/** When an engine's request is told to be slow, and when it is ended. Times are of the request alone. */
export interface TimeLimits {
  /** Null: the length of the audio is not known, and only standing still ends it. */
  readonly softMs: number | null;
  readonly hardMs: number | null;
  /** Without any position for so long it is taken to hang. */
  readonly quietMs: number;
}

export interface RequestSize {
  /** Of what is to be heard; null: nobody knows. */
  readonly audioSeconds: number | null;
  /** Windows of 30 s that are worked on together: positions come once for all of them. */
  readonly batchSize: number;
}

/** Whisper's window. */
const CHUNK_SECONDS = 30;
const QUIET_MS_MIN = 60_000;
const QUIET_BATCHES = 3;
const SOFT_MS_MIN = 120_000;
const SOFT_FACTOR = 3;
const HARD_MS_MIN = 600_000;
const HARD_FACTOR = 10;
/** Before anything is measured: slow CPUs with large models do a quarter of real time. */
const SOFT_SPEED_UNMEASURED = 0.25;

/** Pure. Before anything was measured only the slowest speed that is worth waiting for ends anything. */
export function timeLimits(
  speed: EngineSpeed,
  { audioSeconds, batchSize }: RequestSize,
): TimeLimits {
  const slowest = slowestOf(speed);
  const batchMs = msFor(batchSize * CHUNK_SECONDS, slowest ?? SPEED_FLOOR);
  if (slowest === null) {
    return {
      softMs: limit(audioSeconds, SOFT_SPEED_UNMEASURED, 1, SOFT_MS_MIN),
      hardMs: limit(audioSeconds, SPEED_FLOOR, 1, HARD_MS_MIN),
      quietMs: Math.max(QUIET_MS_MIN, batchMs),
    };
  }
  return {
    softMs: limit(audioSeconds, slowest, SOFT_FACTOR, SOFT_MS_MIN),
    hardMs: limit(audioSeconds, slowest, HARD_FACTOR, HARD_MS_MIN),
    quietMs: Math.max(QUIET_MS_MIN, QUIET_BATCHES * batchMs),
  };
}

function limit(
  audioSeconds: number | null,
  speed: number,
  factor: number,
  msMin: number,
): number | null {
  return audioSeconds === null ? null : Math.max(msMin, factor * msFor(audioSeconds, speed));
}

function msFor(audioSeconds: number, speed: number): number {
  return (audioSeconds * 1_000) / speed;
}
