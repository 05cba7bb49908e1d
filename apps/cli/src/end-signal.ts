import { CommandError, EXIT } from './command-error.ts';

/** What asks a command to end. */
const END_SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

/** Calls `leave` with how to end, each time that a signal asks for it. Gives what takes the handlers away again. */
export function onEndSignal(leave: (error: CommandError) => void): () => void {
  const onSignal = (signal: NodeJS.Signals) => leave(endError(signal));
  for (const signal of END_SIGNALS) process.on(signal, onSignal);
  return () => {
    for (const signal of END_SIGNALS) process.off(signal, onSignal);
  };
}

/** 130 for Ctrl-C, 143 for the others, as shells count. */
export function endError(signal: NodeJS.Signals): CommandError {
  return signal === 'SIGINT'
    ? new CommandError(EXIT.interrupted, 'interrupted')
    : new CommandError(EXIT.terminated, `ended by ${signal}`);
}

/** What `work` gives, or at once a rejection with the signal's reason: who leaves does not wait for a call under way. */
export async function unlessAborted<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  const { promise, reject } = Promise.withResolvers<never>();
  const onAbort = () => reject(signal.reason);
  if (signal.aborted) onAbort();
  signal.addEventListener('abort', onAbort, { once: true });
  try {
    return await Promise.race([work, promise]);
  } finally {
    signal.removeEventListener('abort', onAbort);
  }
}
