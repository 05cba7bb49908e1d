/** How much came since a window began. */
export interface RateWindow {
  readonly sinceMs: number;
  readonly bytes: number;
}

export interface RateFloor {
  /** 0: none. */
  readonly bytesPerSecondMin: number;
  readonly windowMs: number;
}

export function rateWindow(nowMs: number): RateWindow {
  return { sinceMs: nowMs, bytes: 0 };
}

/**
 * Pure. The window after some bytes came; null when a whole window brought less than the floor: a host that sends a byte
 * now and then never stalls, and never ends. `nowMs` must not count waits of our own making.
 */
export function received(
  window: RateWindow,
  bytes: number,
  floor: RateFloor,
  nowMs: number,
): RateWindow | null {
  const total = window.bytes + bytes;
  const elapsedMs = nowMs - window.sinceMs;
  if (elapsedMs < floor.windowMs) return { ...window, bytes: total };
  if (total < (floor.bytesPerSecondMin * elapsedMs) / 1_000) return null;
  return rateWindow(nowMs);
}
