/** The same items, until the signal is aborted: then it throws the reason at once, even when the source never answers. */
export async function* abortable<T>(
  source: AsyncIterable<T>,
  signal: AbortSignal,
): AsyncGenerator<T> {
  const iterator = source[Symbol.asyncIterator]();
  let stop = () => {};
  const aborted = new Promise<'aborted'>((resolve) => {
    stop = () => resolve('aborted');
  });
  signal.addEventListener('abort', stop, { once: true });
  try {
    for (;;) {
      signal.throwIfAborted();
      const next = iterator.next();
      // Should it lose the race and fail later, nobody is left to hear of it.
      next.catch(() => {});
      const item = await Promise.race([next, aborted]);
      if (item === 'aborted') throw signal.reason;
      if (item.done) return;
      yield item.value;
    }
  } finally {
    signal.removeEventListener('abort', stop);
    // Not awaited: a generator that waits for its next item answers `return` only after that.
    iterator.return?.().catch(() => {});
  }
}
