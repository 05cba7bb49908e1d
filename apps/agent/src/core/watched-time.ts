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
  const passedMs = watchedMs(time, nowMs, tickMs);
  return {
    atMs: Math.max(nowMs, time.atMs),
    totalMs: time.totalMs + passedMs,
    quietMs: time.quietMs + passedMs,
  };
}

/** What is watched has just given a sign: after a sleep of ours that may come before any look. */
export function moved(time: WatchedTime, nowMs: number, tickMs: number): WatchedTime {
  return { ...look(time, nowMs, tickMs), quietMs: 0 };
}

function watchedMs({ atMs }: WatchedTime, nowMs: number, tickMs: number): number {
  return Math.min(Math.max(0, nowMs - atMs), TICKS_MAX * tickMs);
}
