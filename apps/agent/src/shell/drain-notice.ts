import type { Clock } from '@podctl/platform/clock.ts';
import type { MainContext } from '@podctl/platform/lifecycle.ts';
import type { Agent } from './agent.ts';

const AGAIN_MS = 10_000;

/**
 * Says what a draining agent waits for: at once, and every 10 s until there is nothing, or it is cancelled.
 * Resolves when nothing more will be said, but not before the first request to stop.
 */
export async function tellDrain(
  agent: Pick<Agent, 'held' | 'ended'>,
  { signal, cancel }: Pick<MainContext, 'signal' | 'cancel'>,
  clock: Clock,
  say: (words: string) => void,
): Promise<void> {
  await new Promise<void>((resolve) => {
    signal.addEventListener('abort', () => resolve(), { once: true });
    if (signal.aborted) resolve();
  });
  const ended = new AbortController();
  void agent.ended.then(() => ended.abort());
  const over = AbortSignal.any([cancel, ended.signal]);
  for (let waitedMs = 0; !over.aborted; waitedMs += AGAIN_MS) {
    const words = wordsOf(agent.held, waitedMs);
    if (words !== null) say(words);
    await clock.sleep(AGAIN_MS, over).catch(() => undefined);
  }
}

function wordsOf({ running, unsettled }: Agent['held'], waitedMs: number): string | null {
  const what =
    running > 0
      ? `${count(running, 'job')} still ${running === 1 ? 'runs' : 'run'}`
      : `${count(unsettled, 'result')} still ${unsettled === 1 ? 'waits' : 'wait'} for the coordinator`;
  return running + unsettled === 0 ? null : `draining: ${what}, ${waitedMs / 1_000} s`;
}

function count(n: number, noun: string): string {
  return `${n} ${noun}${n === 1 ? '' : 's'}`;
}
