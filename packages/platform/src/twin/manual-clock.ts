import { invariant } from '@podctl/domain/result.ts';
import type { Clock } from '../clock.ts';

interface Sleeper {
  readonly dueMs: number;
  readonly order: number;
  readonly wake: () => void;
}

/** A wake-up that makes another at the same instant, for ever, is a bug in what is tested. */
const WAKES_MAX = 1_000_000;

/** Virtual time: nothing passes until `advance`, and sleepers wake in order of their due times. */
export class ManualClock implements Clock {
  #nowMs = 0;
  #wallStartMs: number;
  #order = 0;
  readonly #sleepers = new Set<Sleeper>();

  constructor(wallStartMs = Date.UTC(2026, 0, 1)) {
    this.#wallStartMs = wallStartMs;
  }

  wallMs(): number {
    return this.#wallStartMs + this.#nowMs;
  }

  monotonicMs(): number {
    return this.#nowMs;
  }

  sleep(ms: number, signal: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      if (signal.aborted) return reject(signal.reason);
      const abort = () => {
        this.#sleepers.delete(sleeper);
        reject(signal.reason);
      };
      const sleeper: Sleeper = {
        dueMs: this.#nowMs + Math.max(0, ms),
        order: this.#order++,
        wake: () => {
          signal.removeEventListener('abort', abort);
          resolve();
        },
      };
      signal.addEventListener('abort', abort, { once: true });
      this.#sleepers.add(sleeper);
    });
  }

  /** How many wait: zero after everything was stopped, or a timer was left behind. */
  sleeping(): number {
    return this.#sleepers.size;
  }

  /** The wall clock jumps, as after a suspended machine or a set clock; monotonic time does not. */
  jumpWall(ms: number): void {
    this.#wallStartMs += ms;
  }

  /** Lets `ms` pass: wakes each sleeper at its time, and lets what it woke run before the next. */
  async advance(ms: number): Promise<void> {
    const targetMs = this.#nowMs + ms;
    await settle();
    for (let wakes = 0; ; wakes++) {
      invariant(wakes < WAKES_MAX, 'virtual time moves on');
      const next = this.#earliest(targetMs);
      if (next === null) break;
      this.#sleepers.delete(next);
      this.#nowMs = Math.max(this.#nowMs, next.dueMs);
      next.wake();
      await settle();
    }
    this.#nowMs = targetMs;
  }

  #earliest(untilMs: number): Sleeper | null {
    let first: Sleeper | null = null;
    for (const sleeper of this.#sleepers) {
      if (sleeper.dueMs > untilMs) continue;
      if (first === null || isBefore(sleeper, first)) first = sleeper;
    }
    return first;
  }
}

function isBefore(a: Sleeper, b: Sleeper): boolean {
  return a.dueMs < b.dueMs || (a.dueMs === b.dueMs && a.order < b.order);
}

/** Every pending microtask, and those that they make, runs before the next turn of the event loop. */
function settle(): Promise<void> {
  return new Promise((resolve) => {
    setImmediate(resolve);
  });
}
