import type { Clock } from '@podctl/platform/clock.ts';
import { reckonedSeconds } from '../core/engine-progress.ts';

const TICK_MS = 1_000;

/** The positions of one run: what the engine tells, or, until it has told anything, what the clock says. They only rise. */
export class Positions {
  readonly #clock: Clock;
  readonly #onPosition: (seconds: number, durationSeconds: number | null) => void;
  readonly #durationSeconds: number | null;
  readonly #over = new AbortController();
  #seconds = 0;
  #isTold = false;

  /** @param speed seconds of audio a second, as it was measured; null: not yet. */
  constructor(
    clock: Clock,
    onPosition: (seconds: number, durationSeconds: number | null) => void,
    durationSeconds: number | null,
    speed: number | null,
  ) {
    this.#clock = clock;
    this.#onPosition = onPosition;
    this.#durationSeconds = durationSeconds;
    if (durationSeconds !== null) void this.#reckon(durationSeconds, speed);
  }

  told(seconds: number): void {
    this.#isTold = true;
    this.#rise(seconds);
  }

  /** @param atSeconds where it ended; null: it came to nothing. */
  end(atSeconds: number | null): void {
    this.#over.abort();
    if (atSeconds !== null) this.#rise(atSeconds);
  }

  async #reckon(durationSeconds: number, speed: number | null): Promise<void> {
    const startMs = this.#clock.monotonicMs();
    while (!this.#over.signal.aborted && !this.#isTold) {
      await this.#clock.sleep(TICK_MS, this.#over.signal).catch(() => undefined);
      if (this.#over.signal.aborted || this.#isTold) return;
      const elapsedMs = this.#clock.monotonicMs() - startMs;
      this.#rise(reckonedSeconds(elapsedMs, durationSeconds, speed));
    }
  }

  #rise(seconds: number): void {
    const within = Math.min(seconds, this.#durationSeconds ?? seconds);
    if (!(within > this.#seconds)) return;
    this.#seconds = within;
    this.#onPosition(within, this.#durationSeconds);
  }
}
