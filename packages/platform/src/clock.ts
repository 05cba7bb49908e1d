/** Time as a port: the simulation and the tests run the same code on virtual time. */
export interface Clock {
  /** Wall clock, epoch milliseconds. It may jump; nothing is decided by it that a jump would harm. */
  wallMs(): number;
  /** Monotonic milliseconds since some start. Deadlines are counted on it. */
  monotonicMs(): number;
  /** Resolves after `ms`; rejects with the signal's reason as soon as it is aborted. */
  sleep(ms: number, signal: AbortSignal): Promise<void>;
}

export const systemClock: Clock = {
  wallMs: () => Date.now(),
  monotonicMs: () => performance.now(),
  // Node's own makes an error with its stack for each that is ended early, and a watched coordinator ends hundreds a second.
  sleep: (ms, signal) =>
    new Promise((resolve, reject) => {
      if (signal.aborted) return reject(signal.reason);
      const abort = () => {
        clearTimeout(timer);
        reject(signal.reason);
      };
      const timer = setTimeout(() => {
        signal.removeEventListener('abort', abort);
        resolve();
      }, ms);
      signal.addEventListener('abort', abort, { once: true });
    }),
};
