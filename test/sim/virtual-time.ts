import type { Clock } from '@podctl/platform/clock.ts';

export interface Timer {
  readonly atMs: number;
  readonly order: number;
  readonly run: () => void;
  cancelled: boolean;
}

/** Events that are handed to one turn of the event loop: fewer turns, and still a drained queue between two events. */
const EVENTS_PER_TURN = 64;
const EVENTS_MAX = 2_000_000;

/**
 * The time of the whole simulated world. An event runs, then every promise that it settled runs to its end, then the
 * next event: Node drains microtasks and ticks between two immediates, so nothing real is waited for.
 */
export class VirtualTime {
  nowMs = 0;
  events = 0;
  readonly #heap: Timer[] = [];
  #order = 0;

  at(atMs: number, run: () => void): Timer {
    const timer = {
      atMs: Math.max(this.nowMs, Math.ceil(atMs)),
      order: this.#order++,
      run,
      cancelled: false,
    };
    this.#push(timer);
    return timer;
  }

  after(ms: number, run: () => void): Timer {
    return this.at(this.nowMs + ms, run);
  }

  /** Runs events in order until `isOver`, asked before each one. Rejects with what an event throws. */
  run(isOver: () => boolean): Promise<void> {
    return new Promise((resolve, reject) => {
      let ended = false;
      const end = (settle: () => void) => {
        ended = true;
        settle();
      };
      const step = () => {
        if (ended) return;
        try {
          if (isOver() || !this.#step()) end(resolve);
        } catch (error) {
          end(() => reject(error));
        }
      };
      const turn = () => {
        for (let i = 0; i < EVENTS_PER_TURN; i += 1) setImmediate(step);
        setImmediate(() => {
          if (!ended) turn();
        });
      };
      turn();
    });
  }

  #step(): boolean {
    let next = this.#pop();
    while (next?.cancelled) next = this.#pop();
    if (next === undefined) return false;
    this.nowMs = next.atMs;
    this.events += 1;
    if (this.events > EVENTS_MAX) throw new Error('virtual time does not move on');
    next.run();
    return true;
  }

  #push(timer: Timer): void {
    const heap = this.#heap;
    let at = heap.length;
    heap.push(timer);
    while (at > 0) {
      const up = (at - 1) >> 1;
      const parent = heap[up];
      if (parent === undefined || isBefore(parent, timer)) break;
      heap[at] = parent;
      at = up;
    }
    heap[at] = timer;
  }

  #pop(): Timer | undefined {
    const heap = this.#heap;
    const first = heap[0];
    const last = heap.pop();
    if (first === undefined || last === undefined || heap.length === 0) return first;
    let at = 0;
    for (;;) {
      const child = this.#smallerChild(at);
      const below = heap[child];
      if (below === undefined || isBefore(last, below)) break;
      heap[at] = below;
      at = child;
    }
    heap[at] = last;
    return first;
  }

  #smallerChild(at: number): number {
    const left = 2 * at + 1;
    const a = this.#heap[left];
    const b = this.#heap[left + 1];
    return a !== undefined && b !== undefined && isBefore(b, a) ? left + 1 : left;
  }
}

function isBefore(a: Timer, b: Timer): boolean {
  return a.atMs < b.atMs || (a.atMs === b.atMs && a.order < b.order);
}

/** The clock of servers and disks: never paused, never wrong. */
export class WorldClock implements Clock {
  readonly #time: VirtualTime;
  readonly #epochMs: number;

  constructor(time: VirtualTime, epochMs: number) {
    this.#time = time;
    this.#epochMs = epochMs;
  }

  wallMs(): number {
    return this.#epochMs + this.#time.nowMs;
  }

  monotonicMs(): number {
    return this.#time.nowMs;
  }

  sleep(ms: number, signal: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      if (signal.aborted) return reject(signal.reason);
      const abort = () => {
        timer.cancelled = true;
        reject(signal.reason);
      };
      const timer = this.#time.after(Math.max(0, ms), () => {
        signal.removeEventListener('abort', abort);
        resolve();
      });
      signal.addEventListener('abort', abort, { once: true });
    });
  }
}
