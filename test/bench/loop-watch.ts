/**
 * Loaded before a process's own code (`--import`): what its loop is held up by. On SIGUSR2 one line of JSON goes to the file that
 * PODCTL_LOOP_FILE names, and it begins anew. Of the loop's own work the processor time between two ticks of a millisecond
 * counts, which others that have the cores do not lengthen; `delayMs` is what perf_hooks saw, with all of that.
 */
import { appendFileSync } from 'node:fs';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { isMainThread } from 'node:worker_threads';

/** Longest first. */
const KEPT = 5;

if (isMainThread) {
  const delay = monitorEventLoopDelay({ resolution: 1 });
  delay.enable();
  let turns: number[] = [];
  const usedMs = () => {
    const { user, system } = process.threadCpuUsage();
    return (user + system) / 1_000;
  };
  let before = usedMs();
  setInterval(() => {
    const now = usedMs();
    turns.push(now - before);
    if (turns.length > 1_000) turns = turns.sort((a, b) => b - a).slice(0, KEPT);
    before = now;
  }, 1).unref();
  process.on('SIGUSR2', () => {
    const longestMs = turns.sort((a, b) => b - a).slice(0, KEPT);
    const told = { longestMs, delayMs: delay.max / 1e6, delayP99Ms: delay.percentile(99) / 1e6 };
    appendFileSync(process.env.PODCTL_LOOP_FILE ?? '/dev/null', `${JSON.stringify(told)}\n`);
    turns = [];
    delay.reset();
  });
}
