import type { Clock } from '@podctl/platform/clock.ts';
import type { VirtualTime } from './virtual-time.ts';

/** A machine: its wall clock, its mount of the library, and what it keeps when a process on it dies. */
export interface Host {
  readonly name: string;
  /** What its wall clock is wrong by. */
  wallOffsetMs: number;
  /** Null while the library is mounted. */
  libraryAway: string | null;
}

/** `stopped`: by a signal, its clocks go on. `suspended`: with its machine, its monotonic clock stands still. */
export type PauseKind = 'stopped' | 'suspended';

/**
 * One life of a process: running ⇄ paused → dead. Whatever reaches it from outside comes through `enter`: at once while
 * it runs, when it goes on after a pause, never once it is dead. So a dead one's promises stay pending for ever.
 */
export class SimProcess {
  readonly name: string;
  readonly host: Host;
  readonly clock: Clock;
  readonly #time: VirtualTime;
  readonly #waiting: (() => void)[] = [];
  #state: 'running' | 'paused' | 'dead' = 'running';
  #frozenMs = 0;
  #frozenSinceMs: number | null = null;
  #onDeath: (() => void)[] = [];
  pausedMs = 0;
  #pausedAtMs = 0;

  constructor(name: string, host: Host, time: VirtualTime, epochMs: number) {
    this.name = name;
    this.host = host;
    this.#time = time;
    this.clock = {
      wallMs: () => epochMs + time.nowMs + host.wallOffsetMs,
      monotonicMs: () => this.#monotonicMs(),
      sleep: (ms, signal) => this.#sleep(ms, signal),
    };
  }

  get isDead(): boolean {
    return this.#state === 'dead';
  }

  get isPaused(): boolean {
    return this.#state === 'paused';
  }

  /** Runs what came from outside, when the process can. */
  enter(run: () => void): void {
    if (this.#state === 'running') run();
    else if (this.#state === 'paused') this.#waiting.push(run);
  }

  /** Resolves when the process runs: at once, after a pause, or never. */
  gate(): Promise<void> {
    return new Promise((resolve) => this.enter(resolve));
  }

  pause(kind: PauseKind): void {
    if (this.#state !== 'running') return;
    this.#state = 'paused';
    this.#pausedAtMs = this.#time.nowMs;
    if (kind === 'suspended') this.#frozenSinceMs = this.#time.nowMs;
  }

  resume(): void {
    if (this.#state !== 'paused') return;
    this.#state = 'running';
    this.pausedMs += this.#time.nowMs - this.#pausedAtMs;
    if (this.#frozenSinceMs !== null) this.#frozenMs += this.#time.nowMs - this.#frozenSinceMs;
    this.#frozenSinceMs = null;
    // One by one, as from a socket's buffer: what one of them starts runs before the next.
    for (const run of this.#waiting.splice(0)) this.#time.after(0, () => this.enter(run));
  }

  /** Its memory is gone. */
  crash(): void {
    if (this.#state === 'dead') return;
    this.#state = 'dead';
    this.#waiting.length = 0;
    for (const tell of this.#onDeath.splice(0)) tell();
  }

  onDeath(tell: () => void): void {
    this.#onDeath.push(tell);
  }

  #monotonicMs(): number {
    const frozen = this.#frozenSinceMs === null ? 0 : this.#time.nowMs - this.#frozenSinceMs;
    return this.#time.nowMs - this.#frozenMs - frozen;
  }

  #sleep(ms: number, signal: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      if (signal.aborted) return reject(signal.reason);
      const dueMs = this.#monotonicMs() + Math.max(0, ms);
      const abort = () => {
        timer.cancelled = true;
        isOver = true;
        reject(signal.reason);
      };
      let isOver = false;
      const wake = () => {
        if (isOver) return;
        // The machine slept meanwhile: its clock has not come so far yet.
        const restMs = dueMs - this.#monotonicMs();
        if (restMs > 0) timer = this.#time.after(restMs, () => this.enter(wake));
        else {
          isOver = true;
          signal.removeEventListener('abort', abort);
          resolve();
        }
      };
      let timer = this.#time.after(Math.max(0, ms), () => this.enter(wake));
      signal.addEventListener('abort', abort, { once: true });
    });
  }
}
