/** A request of the client cannot be cancelled: on abort its caller goes on, and its late answer is dropped. */
export async function orAborted<T>(
  answer: Promise<T>,
  signal: AbortSignal | undefined,
): Promise<T> {
  const aborted = Promise.withResolvers<never>();
  const abort = () => aborted.reject(signal?.reason);
  signal?.addEventListener('abort', abort, { once: true });
  try {
    if (signal?.aborted) abort();
    return await Promise.race([aborted.promise, answer]);
  } finally {
    signal?.removeEventListener('abort', abort);
  }
}

interface Line {
  isConnected(): boolean;
  whenConnected(signal: AbortSignal): Promise<void>;
  onDisconnect(listener: () => void): () => void;
}

/**
 * A request that is sent only over a standing connection, waited for at most `timeoutMs`, and given up as soon as the
 * connection is lost: its answer would not come, and the client alone would wait its whole time out.
 */
export async function overLine<T>(
  line: Line,
  timeoutMs: number,
  signal: AbortSignal | undefined,
  send: () => Promise<T>,
): Promise<T> {
  signal?.throwIfAborted();
  const ended = new AbortController();
  const abort = () => ended.abort(signal?.reason);
  signal?.addEventListener('abort', abort, { once: true });
  const forget = line.onDisconnect(() => ended.abort(new Error('the connection was lost')));
  try {
    if (!line.isConnected()) {
      const limit = AbortSignal.any([ended.signal, AbortSignal.timeout(timeoutMs)]);
      await line.whenConnected(limit);
    }
    return await orAborted(send(), ended.signal);
  } finally {
    forget();
    signal?.removeEventListener('abort', abort);
  }
}
