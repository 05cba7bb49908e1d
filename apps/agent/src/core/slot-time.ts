/** How long slots were at work and how long not, in all, up to a moment. Times are monotonic milliseconds. */
export interface SlotTime {
  readonly slots: number;
  readonly running: number;
  readonly sinceMs: number;
  readonly busyMs: number;
  readonly idleMs: number;
}

export function slotTime(slots: number, nowMs: number): SlotTime {
  return { slots, running: 0, sinceMs: nowMs, busyMs: 0, idleMs: 0 };
}

/** From `nowMs` on, `running` slots are at work. */
export function advance(time: SlotTime, running: number, nowMs: number): SlotTime {
  const passedMs = Math.max(0, nowMs - time.sinceMs);
  const idle = Math.max(0, time.slots - time.running);
  return {
    slots: time.slots,
    running,
    sinceMs: Math.max(nowMs, time.sinceMs),
    busyMs: time.busyMs + passedMs * time.running,
    idleMs: time.idleMs + passedMs * idle,
  };
}
