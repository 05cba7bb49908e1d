const TIMES = /-->\s*(?:(\d{1,3}):)?(\d{1,2}):(\d{2}(?:[.,]\d{1,3})?)/;
const PERCENT = /progress\D{0,5}(\d{1,3})(?:\.\d+)?\s*%|(\d{1,3})%\|/i;
/** Fitted so that at the expected time seven eighths are claimed. */
const SHAPE = 2.08;
/** The clock alone never says that something is done. */
const RECKONED_MAX = 0.99;
/** Until one run has told better: as fast as it is spoken. */
const SPEED_FIRST = 1;
const SPEED_WEIGHT = 0.5;

/**
 * How far a line of a program's output says that it is, in seconds of audio: by the times of what it heard, or by percents,
 * as whisper.cpp, openai-whisper and tqdm write them; null when it says nothing of it.
 */
export function toldSeconds(line: string, durationSeconds: number | null): number | null {
  const [, hours, minutes, seconds] = TIMES.exec(line) ?? [];
  if (seconds !== undefined)
    return Number(hours ?? 0) * 3_600 + Number(minutes) * 60 + Number(seconds.replace(',', '.'));
  const [, word, bar] = PERCENT.exec(line) ?? [];
  const percent = word ?? bar;
  if (percent === undefined || durationSeconds === null) return null;
  return (Math.min(100, Number(percent)) / 100) * durationSeconds;
}

/** How far an engine is that says nothing, by the clock and its speed: it rises for ever, and never reaches the end. */
export function reckonedSeconds(
  elapsedMs: number,
  durationSeconds: number,
  speed: number | null,
): number {
  const expectedMs = (durationSeconds / (speed ?? SPEED_FIRST)) * 1_000;
  if (!(expectedMs > 0) || elapsedMs <= 0) return 0;
  const share = 1 - Math.exp((-SHAPE * elapsedMs) / expectedMs);
  return Math.min(share, RECKONED_MAX) * durationSeconds;
}

/** Seconds of audio a second, after one more run; of very short ones the start is all there is to see. */
export function learnedSpeed(
  speed: number | null,
  durationSeconds: number,
  elapsedMs: number,
): number | null {
  if (!(durationSeconds > 0) || !(elapsedMs > 0)) return speed;
  const seen = durationSeconds / (elapsedMs / 1_000);
  return speed === null ? seen : speed * (1 - SPEED_WEIGHT) + seen * SPEED_WEIGHT;
}
