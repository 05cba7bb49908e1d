export interface FetchPace {
  /** From the first connection to the last byte, our own waits left out. */
  readonly totalMs: number;
  /** A host that sends less in a window has stalled; 0 is no floor. */
  readonly bytesPerWindowMin: number;
  readonly windowMs: number;
}

/**
 * Ends a fetch that takes too long, or whose body trickles. `running` from the start, `paused` while we ourselves keep the
 * host waiting, `cleared` for good. Only time in `running` counts.
 */
export class FetchDeadline {
  readonly signal: AbortSignal;
  readonly #abort = new AbortController();
  readonly #pace: FetchPace;
  readonly #late: (kind: 'total' | 'trickle') => Error;
  #leftMs: number;
  #sinceMs = 0;
  #total: NodeJS.Timeout | null = null;
  #window: NodeJS.Timeout | null = null;
  #bytes = 0;

  /** `late` makes the reason of the abort. */
  constructor(pace: FetchPace, late: (kind: 'total' | 'trickle') => Error) {
    this.#pace = pace;
    this.#late = late;
    this.#leftMs = pace.totalMs;
    this.signal = this.#abort.signal;
    this.resume();
  }

  /** The body begins: from now on it has to come at a pace. */
  body(): void {
    const { bytesPerWindowMin, windowMs } = this.#pace;
    if (bytesPerWindowMin === 0 || this.#window !== null) return;
    this.#window = setInterval(() => {
      const isPaused = this.#total === null;
      if (!isPaused && this.#bytes < bytesPerWindowMin) this.#abort.abort(this.#late('trickle'));
      this.#bytes = 0;
    }, windowMs);
  }

  received(bytes: number): void {
    this.#bytes += bytes;
  }

  pause(): void {
    if (this.#total === null) return;
    clearTimeout(this.#total);
    this.#total = null;
    this.#leftMs -= performance.now() - this.#sinceMs;
  }

  resume(): void {
    if (this.#total !== null) return;
    this.#sinceMs = performance.now();
    // What comes after a pause counts from then: a window that was half paused says nothing.
    this.#bytes = Number.MAX_SAFE_INTEGER;
    const late = () => this.#abort.abort(this.#late('total'));
    this.#total = setTimeout(late, Math.max(0, this.#leftMs));
  }

  clear(): void {
    if (this.#total !== null) clearTimeout(this.#total);
    if (this.#window !== null) clearInterval(this.#window);
    this.#total = null;
    this.#window = null;
  }
}
