/** The same items, until the signal is aborted: then it throws the reason at once, even when the source never answers. */
export async function* abortable<T>(
  source: AsyncIterable<T>,
  signal: AbortSignal,
): AsyncGenerator<T> {
  const iterator = source[Symbol.asyncIterator]();
  let wake = () => {};
  const onAbort = () => wake();
  signal.addEventListener('abort', onAbort, { once: true });
  try {
    for (;;) {
      signal.throwIfAborted();
      // A promise of its own for each item: a race against one that lives long would keep every item alive.
      const item = await new Promise<IteratorResult<T> | 'aborted'>((resolve, reject) => {
        wake = () => resolve('aborted');
        // Should it come too late and fail, nobody is left to hear of it.
        iterator.next().then(resolve, reject);
      });
      if (item === 'aborted') throw signal.reason;
      if (item.done) return;
      yield item.value;
    }
  } finally {
    signal.removeEventListener('abort', onAbort);
    // Not awaited: a generator that waits for its next item answers `return` only after that.
    iterator.return?.().catch(() => {});
  }
}
