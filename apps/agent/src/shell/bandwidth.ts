import type { Clock } from '@podctl/platform/clock.ts';
import { lowestCap, take, tokenBucket } from '../core/token-bucket.ts';

/** One rate for all downloads of an agent: its own cap, and its share of the fleet's as the leader told it last. */
export class Bandwidth {
  readonly #clock: Clock;
  readonly #ownMax: number | null;
  #fleetShare: number | null = null;
  #bucket;

  /** `bytesPerSecondMax`: null for none. */
  constructor(clock: Clock, bytesPerSecondMax: number | null) {
    this.#clock = clock;
    this.#ownMax = bytesPerSecondMax;
    this.#bucket = tokenBucket(clock.monotonicMs());
  }

  /** What the leader says; it stays until it says another: without a leader nobody else begins to download. */
  setShare(bytesPerSecond: number | null): void {
    this.#fleetShare = bytesPerSecond;
  }

  /** Bytes per second; null: as fast as they come. */
  get bytesPerSecondMax(): number | null {
    return lowestCap(this.#ownMax, this.#fleetShare);
  }

  /** Resolves to how long it waited, once more may be read after `bytes` came. Rejects with the signal's reason. */
  async pace(bytes: number, signal: AbortSignal): Promise<number> {
    const cap = this.bytesPerSecondMax;
    if (cap === null) return 0;
    const nowMs = this.#clock.monotonicMs();
    const taken = take(this.#bucket, bytes, cap, nowMs);
    this.#bucket = taken.bucket;
    if (taken.waitMs < LEAST_WAIT_MS) return 0;
    await this.#clock.sleep(Math.min(taken.waitMs, WAIT_MS_MAX), signal);
    return this.#clock.monotonicMs() - nowMs;
  }
}

/** A timer is no finer. */
const LEAST_WAIT_MS = 5;
/** A cap that is lifted is felt soon, whatever the debt was. */
const WAIT_MS_MAX = 30_000;
