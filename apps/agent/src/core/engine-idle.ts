/**
 * For how long engines had no request though this agent held work for them: while audio is fetched or hashed, a model
 * loaded, a result written or sent. Of two engines and one job only one is idle beside work. Times are monotonic milliseconds.
 */
export interface EngineIdle {
  readonly engines: number;
  /** Engines with a request. */
  readonly atWork: number;
  /** Transcriptions that are here: running, and held ahead. */
  readonly held: number;
  readonly sinceMs: number;
  readonly idleMs: number;
}

export function engineIdle(engines: number, nowMs: number): EngineIdle {
  return { engines, atWork: 0, held: 0, sinceMs: nowMs, idleMs: 0 };
}

/** From `nowMs` on it is as `change` says. */
export function idleUntil(
  idle: EngineIdle,
  change: { readonly atWork?: number; readonly held?: number },
  nowMs: number,
): EngineIdle {
  const { engines, atWork, held } = idle;
  const beside = Math.max(0, Math.min(engines, held) - atWork);
  const passedMs = Math.max(0, nowMs - idle.sinceMs);
  return {
    ...{ engines, atWork, held, ...change },
    sinceMs: Math.max(nowMs, idle.sinceMs),
    idleMs: idle.idleMs + passedMs * beside,
  };
}
