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
}

/**
 * The system has four threads for lookups and for files: one is left to the files, however slow a name server is. Feeds
 * of one host are polled together, so an answer is worth keeping for a moment.
 */
export const HOST_LOOKUP = {
  holdMs: 30_000,
  holdFailedMs: 2_000,
  namesMax: 5_000,
  atOnceMax: 3,
} as const;

interface Answer {
  readonly found: Promise<readonly LookupAddress[]>;
  /** Null while it is asked for. */
  untilMs: number | null;
}

/** Looks names up, each at most once at a time, and keeps the answers for a moment. Who asks judges the addresses. */
export class HostLookup {
  readonly #options: HostLookupOptions;
  readonly #answers = new Map<string, Answer>();
  readonly #waiting: (() => void)[] = [];
  #asking = 0;

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
    if (this.#asking >= this.#options.atOnceMax)
      await new Promise<void>((resolve) => this.#waiting.push(resolve));
    else this.#asking += 1;
    try {
      return await this.#options.resolve(hostname);
    } finally {
      const next = this.#waiting.shift();
      if (next === undefined) this.#asking -= 1;
      else next();
    }
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
