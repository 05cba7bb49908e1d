import { watch } from 'node:fs';

/** Directory events can be missed (network mounts, a folder made anew): so the check is also made now and then. */
const CHECK_MS = 100;

/** Resolves with what `check` gives once it is not null; it is asked when the folder changes. Rejects with the signal's reason. */
export async function waitInFolder<T>(
  folder: string,
  check: () => Promise<T | null>,
  signal: AbortSignal,
): Promise<T> {
  let wake = (): void => undefined;
  const watcher = watch(folder, () => wake());
  const timer = setInterval(() => wake(), CHECK_MS);
  const onAbort = () => wake();
  signal.addEventListener('abort', onAbort);
  watcher.on('error', () => undefined);
  try {
    for (;;) {
      signal.throwIfAborted();
      const changed = new Promise<void>((resolve) => {
        wake = resolve;
      });
      const found = await check();
      if (found !== null) return found;
      await changed;
    }
  } finally {
    clearInterval(timer);
    watcher.close();
    signal.removeEventListener('abort', onAbort);
  }
}
