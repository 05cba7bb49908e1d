import { commandErrorFrom } from '../command-error.ts';
import { type Seen, seen, unseen, unseenBy } from './core/check.ts';

/** What `work` brings within the time; its signal is aborted then. Rejects only with the signal's reason. */
export async function probed<T>(
  limitMs: number,
  signal: AbortSignal,
  work: (signal: AbortSignal) => Promise<T>,
): Promise<Seen<T>> {
  signal.throwIfAborted();
  const over = new AbortController();
  const abort = () => over.abort(signal.reason);
  const { promise, reject } = Promise.withResolvers<never>();
  // Not every call can be ended: nobody waits for those that cannot.
  over.signal.addEventListener('abort', () => reject(over.signal.reason), { once: true });
  promise.catch(() => undefined);
  signal.addEventListener('abort', abort, { once: true });
  const timer = setTimeout(() => over.abort(new Late()), limitMs);
  try {
    return seen(await Promise.race([work(over.signal), promise]));
  } catch (error) {
    signal.throwIfAborted();
    if (over.signal.aborted) return unseen(`it gave no answer within ${limitMs / 1_000} s`);
    return unseenBy(commandErrorFrom(error).message);
  } finally {
    clearTimeout(timer);
    signal.removeEventListener('abort', abort);
  }
}

class Late extends Error {}
