/** A rate of bytes, with a burst of a moment. It may be in debt: what has come cannot be sent back. */
export interface TokenBucket {
  readonly tokensBytes: number;
  readonly atMs: number;
}

/** What may come at once after a quiet time: long enough for a smooth stream, too short to be seen in a rate. */
const BURST_MS = 250;

export function tokenBucket(nowMs: number): TokenBucket {
  return { tokensBytes: 0, atMs: nowMs };
}

/**
 * Pure. Takes `bytes` that have come, and says how long nothing more may be read: those who share a bucket wait for one
 * another's debts. `bytesPerSecond` may be another at each call; it is above 0.
 */
export function take(
  bucket: TokenBucket,
  bytes: number,
  bytesPerSecond: number,
  nowMs: number,
): { readonly bucket: TokenBucket; readonly waitMs: number } {
  const elapsedMs = Math.max(0, nowMs - bucket.atMs);
  const burstBytes = (bytesPerSecond * BURST_MS) / 1_000;
  const refilled = bucket.tokensBytes + (bytesPerSecond * elapsedMs) / 1_000;
  const tokensBytes = Math.min(burstBytes, refilled) - bytes;
  const waitMs = tokensBytes >= 0 ? 0 : (-tokensBytes / bytesPerSecond) * 1_000;
  return { bucket: { tokensBytes, atMs: nowMs }, waitMs };
}

/** The lower of the caps that there are; null when there is none. */
export function lowestCap(...caps: readonly (number | null)[]): number | null {
  const there = caps.filter((cap) => cap !== null);
  return there.length === 0 ? null : Math.max(1, Math.min(...there));
}
