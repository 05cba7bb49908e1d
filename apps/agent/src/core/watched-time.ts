/**
 * Time that was watched, as against time that went by. Who was stopped itself (SIGSTOP, a suspended machine, a loop that was
 * blocked) has not watched: of a gap between two looks only two ticks count, so that nobody is blamed for our own sleep.
 */
export interface WatchedTime {
  /** Monotonic, of the last look. */
  readonly atMs: number;
  readonly totalMs: number;
  /** Since something moved last. */
  readonly quietMs: number;
}

const TICKS_MAX = 2;

export function beginWatch(nowMs: number): WatchedTime {
  return { atMs: nowMs, totalMs: 0, quietMs: 0 };
}

/** @param tickMs how far two looks are meant to be apart. */
export function look(time: WatchedTime, nowMs: number, tickMs: number): WatchedTime {
  const passedMs = Math.min(Math.max(0, nowMs - time.atMs), TICKS_MAX * tickMs);
  return {
    atMs: Math.max(nowMs, time.atMs),
    totalMs: time.totalMs + passedMs,
    quietMs: time.quietMs + passedMs,
  };
}

/** What is watched has just given a sign. */
export function moved(time: WatchedTime, nowMs: number): WatchedTime {
  const passedMs = Math.max(0, nowMs - time.atMs);
  return { atMs: Math.max(nowMs, time.atMs), totalMs: time.totalMs + passedMs, quietMs: 0 };
}
