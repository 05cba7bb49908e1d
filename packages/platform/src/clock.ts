import { setTimeout as delay } from 'node:timers/promises';

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
  sleep: async (ms, signal) => {
    try {
      await delay(ms, undefined, { signal });
    } catch (error) {
      throw signal.aborted ? signal.reason : error;
    }
  },
};
