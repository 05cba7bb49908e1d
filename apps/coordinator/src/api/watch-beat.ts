import type { Clock } from '@podctl/platform/clock.ts';
import { watchPauseMs } from '../core/watch-pause.ts';
import { Wake } from './wake.ts';

const LATE_MS_MAX = 20;

/**
 * Watchers with the same interval are told at the same moments, so that what they are told is made once for all of them.
 * Between two beats lies the interval at least, and more where many watch; a first change after a quiet while is told at
 * once.
 */
export class WatchBeat {
  readonly #clock: Clock;
  readonly #intervalMs: number;
  readonly #watchers: () => number;
  readonly #struck: Wake;
  readonly #over = new AbortController();
  #version: number;
  #dueMs: number;
  #members = 0;

  /** Of watchers who know this version; `watchers`: how many there are, at any interval. */
  constructor(clock: Clock, intervalMs: number, watchers: () => number, version: number) {
    this.#clock = clock;
    this.#intervalMs = intervalMs;
    this.#watchers = watchers;
    this.#struck = new Wake(clock);
    this.#version = version;
    this.#dueMs = clock.monotonicMs() + intervalMs;
  }

  /** The version that its watchers have been told of, or are being told of. */
  get version(): number {
    return this.#version;
  }

  /** Aborted when its last watcher has left. */
  get signal(): AbortSignal {
    return this.#over.signal;
  }

  enter(): void {
    this.#members += 1;
  }

  leave(): void {
    this.#members -= 1;
    if (this.#members === 0) this.#over.abort();
  }

  /** How long until the next beat may come; 0: now. */
  waitMs(): number {
    return Math.max(0, this.#dueMs - this.#clock.monotonicMs());
  }

  /** Tells its watchers of a version, unless they know it. */
  strike(version: number): void {
    if (version === this.#version) return;
    this.#version = version;
    this.rest();
    this.#struck.wake();
  }

  /**
   * Lets an interval pass, also where what happened was nothing that is shown. A beat that comes a little late, as each of
   * a timer does, does not delay those after it: at 200 ms this made them a tenth slower.
   */
  rest(): void {
    const nowMs = this.#clock.monotonicMs();
    if (nowMs < this.#dueMs) return;
    const isOnTime = nowMs - this.#dueMs <= LATE_MS_MAX;
    const pauseMs = watchPauseMs(this.#intervalMs, this.#watchers());
    this.#dueMs = (isOnTime ? this.#dueMs : nowMs) + pauseMs;
  }

  /** Resolves at the next beat, or after `ms`. */
  next(ms: number, signal: AbortSignal): Promise<void> {
    return this.#struck.wait(ms, signal);
  }
}
