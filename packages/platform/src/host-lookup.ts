import { type LookupAddress, lookup } from 'node:dns';
import type { Clock } from './clock.ts';

/** All addresses of a name, in the order of the system. Rejects with the system's error. */
export type ResolveHost = (hostname: string) => Promise<readonly LookupAddress[]>;

export interface HostLookupOptions {
  readonly clock: Pick<Clock, 'monotonicMs'>;
  readonly resolve: ResolveHost;
  /** How long an answer holds. */
  readonly holdMs: number;
  /** A name that does not exist now may in a moment. */
  readonly holdFailedMs: number;
  readonly namesMax: number;
  /** Questions to the system at the same time. */
  readonly atOnceMax: number;
  /** Of `atOnceMax`, for names whose last answer took `slowMs` or longer: dead name servers leave room for those that answer. */
  readonly slowMax: number;
  readonly slowMs: number;
}

/** Feeds of one host are polled together, so an answer is worth keeping for a moment. */
const HOLD = { holdMs: 30_000, holdFailedMs: 2_000, namesMax: 5_000, slowMs: 1_000 } as const;
/** Of libuv, where `UV_THREADPOOL_SIZE` names no other number. */
const THREADS = 4;
const AT_ONCE_MAX = 12;

/**
 * `threads`: UV_THREADPOOL_SIZE. The process has so many for lookups and for files: a quarter is left to the files, however
 * slow a name server is.
 */
export function hostLookupLimits(threads: string | undefined) {
  const given = Number(threads);
  const size = Number.isInteger(given) && given > 0 ? given : THREADS;
  const atOnceMax = Math.max(1, Math.min(AT_ONCE_MAX, Math.floor((size * 3) / 4)));
  return { ...HOLD, atOnceMax, slowMax: Math.max(1, Math.floor(atOnceMax / 3)) };
}

interface Answer {
  readonly found: Promise<readonly LookupAddress[]>;
  /** Null while it is asked for. */
  untilMs: number | null;
}

/** Looks names up, each at most once at a time, and keeps the answers for a moment. Who asks judges the addresses. */
export class HostLookup {
  readonly #options: HostLookupOptions;
  readonly #answers = new Map<string, Answer>();
  /** Those that wait for their turn; the slow ones come after the others. */
  readonly #waiting: (() => void)[] = [];
  readonly #waitingSlow: (() => void)[] = [];
  /** Names whose last answer was slow, good or bad. */
  readonly #slow = new Set<string>();
  #asking = 0;
  #askingSlow = 0;

  constructor(options: HostLookupOptions) {
    this.#options = options;
  }

  find(hostname: string): Promise<readonly LookupAddress[]> {
    const nowMs = this.#options.clock.monotonicMs();
    const known = this.#answers.get(hostname);
    if (known !== undefined && (known.untilMs === null || known.untilMs > nowMs))
      return known.found;
    const answer: Answer = { found: this.#ask(hostname), untilMs: null };
    this.#answers.delete(hostname);
    this.#answers.set(hostname, answer);
    this.#forget();
    const hold = (ms: number) => {
      answer.untilMs = this.#options.clock.monotonicMs() + ms;
    };
    answer.found.then(
      () => hold(this.#options.holdMs),
      () => hold(this.#options.holdFailedMs),
    );
    return answer.found;
  }

  async #ask(hostname: string): Promise<readonly LookupAddress[]> {
    const { clock, resolve } = this.#options;
    const isSlow = this.#slow.has(hostname);
    const turn = this.#enter(isSlow);
    if (turn !== null) await turn;
    const beganMs = clock.monotonicMs();
    try {
      return await resolve(hostname);
    } finally {
      this.#note(hostname, clock.monotonicMs() - beganMs);
      this.#leave(isSlow);
    }
  }

  /** Null: at once. */
  #enter(isSlow: boolean): Promise<void> | null {
    if (!this.#hasRoom(isSlow)) {
      const queue = isSlow ? this.#waitingSlow : this.#waiting;
      return new Promise((resolve) => queue.push(resolve));
    }
    this.#count(isSlow, 1);
    return null;
  }

  /** Who waits is counted before it goes on, so that nobody takes its place. */
  #leave(isSlow: boolean): void {
    this.#count(isSlow, -1);
    for (const slow of [false, true]) {
      const queue = slow ? this.#waitingSlow : this.#waiting;
      const next = this.#hasRoom(slow) ? queue.shift() : undefined;
      if (next === undefined) continue;
      this.#count(slow, 1);
      next();
    }
  }

  #hasRoom(isSlow: boolean): boolean {
    const { atOnceMax, slowMax } = this.#options;
    return this.#asking < atOnceMax && (!isSlow || this.#askingSlow < slowMax);
  }

  #count(isSlow: boolean, by: number): void {
    this.#asking += by;
    if (isSlow) this.#askingSlow += by;
  }

  #note(hostname: string, tookMs: number): void {
    const { slowMs, namesMax } = this.#options;
    this.#slow.delete(hostname);
    if (tookMs < slowMs) return;
    this.#slow.add(hostname);
    const [oldest] = this.#slow;
    if (this.#slow.size > namesMax && oldest !== undefined) this.#slow.delete(oldest);
  }

  /** The oldest go. */
  #forget(): void {
    for (const hostname of this.#answers.keys()) {
      if (this.#answers.size <= this.#options.namesMax) return;
      this.#answers.delete(hostname);
    }
  }
}

export function systemResolve(hostname: string): Promise<readonly LookupAddress[]> {
  return new Promise((resolve, reject) => {
    lookup(hostname, { all: true }, (error, found) => {
      if (error === null) resolve(found);
      else reject(error);
    });
  });
}
