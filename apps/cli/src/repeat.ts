import { setTimeout as wait } from 'node:timers/promises';
import { type CommandError, commandErrorFrom, EXIT } from './command-error.ts';
import { onEndSignal, unlessAborted } from './end-signal.ts';

const EVERY_MS = 2_000;
/** Five minutes of a coordinator that cannot be reached. */
const FAILURES_MAX = 150;

/**
 * Does it again each 2 s until a signal comes; rejects with CommandError then (130 or 143). The first failure ends it, a
 * later one of a coordinator that is away is told, and tried again `FAILURES_MAX` times.
 */
export async function repeatUntilSignal(
  once: () => Promise<void>,
  told: (problem: string) => void,
): Promise<never> {
  const leaving = new AbortController();
  const dispose = onEndSignal((error) => leaving.abort(error));
  try {
    await unlessAborted(once(), leaving.signal);
    return await again(once, told, leaving.signal);
  } finally {
    dispose();
  }
}

async function again(
  once: () => Promise<void>,
  told: (problem: string) => void,
  signal: AbortSignal,
): Promise<never> {
  for (let failures = 0; ; ) {
    await wait(EVERY_MS, undefined, { signal }).catch(() => undefined);
    signal.throwIfAborted();
    const problem = await unlessAborted(failureOf(once), signal);
    failures = problem === null ? 0 : failures + 1;
    if (problem === null) continue;
    if (!isPassing(problem) || failures > FAILURES_MAX) throw problem;
    if (failures === 1) told(`${problem.message}; it is tried again each 2 s.`);
  }
}

async function failureOf(once: () => Promise<void>): Promise<CommandError | null> {
  try {
    await once();
    return null;
  } catch (error) {
    return commandErrorFrom(error);
  }
}

function isPassing({ exitCode }: CommandError): boolean {
  return exitCode === EXIT.unavailable || exitCode === EXIT.deadline;
}
