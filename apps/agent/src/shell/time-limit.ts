import type { Clock } from '@podctl/platform/clock.ts';

/** Aborts its signal once the time that somebody else may take is over. What we take ourselves does not count. */
export class TimeLimit {
  readonly #clock: Clock;
  readonly #passed = new AbortController();
  readonly #lifted = new AbortController();
  #ownMs = 0;
  #ownSinceMs: number | null = null;

  /** Begins at once; ends with `lift`. */
  constructor(clock: Clock, totalMs: number) {
    this.#clock = clock;
    void this.#run(totalMs).catch(() => undefined);
  }

  get signal(): AbortSignal {
    return this.#passed.signal;
  }

  /** The time that `work` takes is ours. One at a time. */
  async without<T>(work: () => Promise<T>): Promise<T> {
    this.#ownSinceMs = this.#clock.monotonicMs();
    try {
      return await work();
    } finally {
      this.#ownMs = this.#own();
      this.#ownSinceMs = null;
    }
  }

  /** It does not pass any more. Safe twice. */
  lift(): void {
    this.#lifted.abort();
  }

  async #run(totalMs: number): Promise<void> {
    for (let leftMs = totalMs; leftMs >= 1; ) {
      const before = this.#own();
      await this.#clock.sleep(leftMs, this.#lifted.signal);
      leftMs = this.#own() - before;
    }
    this.#passed.abort();
  }

  #own(): number {
    const since = this.#ownSinceMs;
    return this.#ownMs + (since === null ? 0 : this.#clock.monotonicMs() - since);
  }
}
