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
    let cap = this.bytesPerSecondMax;
    if (cap === null) return 0;
    const beganMs = this.#clock.monotonicMs();
    const { bucket } = take(this.#bucket, bytes, cap, beganMs);
    this.#bucket = bucket;
    // All that was taken before is paid first, whatever the cap is by then: whoever read earlier would never pay it.
    let owedBytes = -bucket.tokensBytes;
    for (let nowMs = beganMs; cap !== null; cap = this.bytesPerSecondMax) {
      const waitMs = (owedBytes / cap) * 1_000;
      if (waitMs < LEAST_WAIT_MS) break;
      await this.#clock.sleep(Math.min(waitMs, SLICE_MS_MAX), signal);
      const passedMs = this.#clock.monotonicMs() - nowMs;
      nowMs += passedMs;
      owedBytes -= (cap * passedMs) / 1_000;
    }
    return this.#clock.monotonicMs() - beganMs;
  }
}

/** A timer is no finer. */
const LEAST_WAIT_MS = 5;
/** A cap that is raised or lifted is felt so soon, whatever the debt was. */
const SLICE_MS_MAX = 5_000;
