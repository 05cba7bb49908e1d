/** A bucket of permits: `burst` at once, and `perSecond` come back. */
export interface RateRule {
  readonly burst: number;
  readonly perSecond: number;
  /** Keys that are remembered; of more, the one that was seen longest ago begins anew. */
  readonly keysMax: number;
}

interface Bucket {
  readonly permits: number;
  readonly atMs: number;
}

/** How often something may be done, for each key by itself. Its memory is bounded, whoever makes up keys. */
export class RateLimit {
  readonly #rule: RateRule;
  /** The one seen longest ago comes first. */
  readonly #buckets = new Map<string, Bucket>();

  constructor(rule: RateRule) {
    this.#rule = rule;
  }

  /** Takes a permit; false when there is none now. @param nowMs monotonic. */
  take(key: string, nowMs: number): boolean {
    const permits = this.#permits(key, nowMs);
    const granted = permits >= 1;
    this.#keep(key, { permits: granted ? permits - 1 : permits, atMs: nowMs });
    return granted;
  }

  /** Whether `take` would be granted. */
  has(key: string, nowMs: number): boolean {
    return this.#permits(key, nowMs) >= 1;
  }

  get size(): number {
    return this.#buckets.size;
  }

  #permits(key: string, nowMs: number): number {
    const { burst, perSecond } = this.#rule;
    const bucket = this.#buckets.get(key);
    if (bucket === undefined) return burst;
    const passedMs = Math.max(0, nowMs - bucket.atMs);
    return Math.min(burst, bucket.permits + (passedMs / 1_000) * perSecond);
  }

  #keep(key: string, bucket: Bucket): void {
    this.#buckets.delete(key);
    this.#buckets.set(key, bucket);
    if (this.#buckets.size <= this.#rule.keysMax) return;
    const [oldest] = this.#buckets.keys();
    if (oldest !== undefined) this.#buckets.delete(oldest);
  }
}
