import type { HostName } from '@podctl/domain/host-name.ts';

/** Whoever is at rest for a second has all of it again, so that these few are enough. */
const HOSTS_MAX = 10_000;

interface Bucket {
  starts: number;
  atMs: number;
}

/**
 * How many downloads may begin at each host right now, so that not more than `perSecond` do in a second: a bucket that a second
 * fills. By any clock; one that goes back fills nothing.
 */
export class HostPace {
  readonly #perSecond: number;
  readonly #buckets = new Map<HostName, Bucket>();

  constructor(perSecond: number) {
    this.#perSecond = perSecond;
  }

  /** Whole starts that are left now. */
  left(host: HostName, nowMs: number): number {
    const bucket = this.#buckets.get(host);
    return Math.floor(bucket === undefined ? this.#perSecond : this.#filled(bucket, nowMs));
  }

  began(host: HostName, nowMs: number): void {
    if (this.#perSecond === Number.POSITIVE_INFINITY) return;
    const bucket = this.#buckets.get(host);
    const starts = bucket === undefined ? this.#perSecond : this.#filled(bucket, nowMs);
    this.#buckets.delete(host);
    this.#buckets.set(host, { starts: starts - 1, atMs: nowMs });
    const [oldest] = this.#buckets.keys();
    if (this.#buckets.size > HOSTS_MAX && oldest !== undefined) this.#buckets.delete(oldest);
  }

  #filled({ starts, atMs }: Bucket, nowMs: number): number {
    const seconds = Math.max(0, nowMs - atMs) / 1_000;
    return Math.min(this.#perSecond, starts + seconds * this.#perSecond);
  }
}
