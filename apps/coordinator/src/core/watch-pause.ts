/**
 * A message to a watcher costs some 0.2 ms of a core, whatever it says. So many a second to all watchers together let a
 * hundred of them cost a few per cent, however much happens.
 */
const MESSAGES_PER_SECOND_MAX = 100;

/** How long a watcher waits for the next message at least: what it asked for, or its turn where many watch. */
export function watchPauseMs(intervalMs: number, watchers: number): number {
  return Math.max(intervalMs, (watchers * 1_000) / MESSAGES_PER_SECOND_MAX);
}
