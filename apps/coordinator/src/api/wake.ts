import type { Clock } from '@podctl/platform/clock.ts';

/** Ends a wait; made once, since an error of its own for each costs more than the wait. */
const WOKEN = new Error('woken');

/** Lets waits end early when something happened. Look at what you wait for before each wait: a wake is not kept. */
export class Wake {
  readonly #clock: Clock;
  readonly #waits = new Set<AbortController>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Resolves after `ms`, or as soon as it is woken; rejects with the signal's reason when that is aborted. */
  async wait(ms: number, signal: AbortSignal): Promise<void> {
    signal.throwIfAborted();
    const ended = new AbortController();
    const abort = () => ended.abort(signal.reason);
    signal.addEventListener('abort', abort, { once: true });
    this.#waits.add(ended);
    try {
      await this.#clock.sleep(ms, ended.signal);
    } catch (error) {
      signal.throwIfAborted();
      if (!ended.signal.aborted) throw error;
    } finally {
      this.#waits.delete(ended);
      signal.removeEventListener('abort', abort);
    }
  }

  wake(): void {
    for (const wait of this.#waits) wait.abort(WOKEN);
  }
}
