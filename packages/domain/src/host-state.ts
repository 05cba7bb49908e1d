import type { HostName } from './host-name.ts';
import type { ClusterId, FeedId, Nonce } from './ids.ts';
import { backoffMs, RETRY_AFTER_MS_MAX } from './retry.ts';

/**
 * What all agents together may ask of one host, learned from its answers. One record a host, written by the leader's CAS, so
 * that a new leader goes on with it.
 *   open       strikes 0: as many downloads as the settings allow
 *   cooling    strikes above 0 and `coolingUntilMs` ahead: nothing begins; what runs goes on
 *   probation  strikes above 0 and that time over: `limit` at a time, one at first; successes raise it, doubling. It ends after a
 *              day, too: where little is downloaded, nobody has to wait for so many successes
 *
 *   open, probation --it asks for patience--> cooling --(time)--> probation --(successes up to the settings' limit, or a day)--> open
 *
 * What is never true: a strike for an answer to a download that began before the last strike; the host was told already.
 */
export interface HostState {
  readonly strikes: number;
  /** Downloads at a time while there are strikes. */
  readonly limit: number;
  /** Wall clock of the leader: nothing begins before. */
  readonly coolingUntilMs: number;
  /** When the last strike was: what began before says nothing new. */
  readonly sinceMs: number;
  /** What the host answered, one sentence; empty once it is open again. */
  readonly why: string;
}

export interface HostRecord extends HostState {
  readonly cluster: ClusterId;
  readonly nonce: Nonce;
  readonly host: HostName;
}

/** Where a feed's audio comes from. */
export interface FeedHostRecord {
  readonly cluster: ClusterId;
  readonly nonce: Nonce;
  readonly feed: FeedId;
  /** Null: its episodes have no URL that names one. */
  readonly host: HostName | null;
  /** A download ended there; else it is only the host in an episode's URL. */
  readonly learned: boolean;
}

export interface HostRules {
  /** Downloads from one host at a time, of all agents together. */
  readonly parallelMax: number;
  /** The same of single hosts. */
  readonly limits: Readonly<Record<string, number>>;
  /** Downloads that begin at one host in a second, of all agents together. */
  readonly startsPerSecond: number;
  readonly coolDownFirstMs: number;
  readonly coolDownMaxMs: number;
}

/** No limit of its own; a host that asks for patience has it all the same. */
export const NO_HOST_LIMITS: HostRules = {
  parallelMax: Number.POSITIVE_INFINITY,
  limits: {},
  startsPerSecond: Number.POSITIVE_INFINITY,
  coolDownFirstMs: 60_000,
  coolDownMaxMs: 30 * 60_000,
};

/** Successes in a row, of downloads that began since the last strike, that double what a host may be asked. */
export const SUCCESSES_TO_RISE = 3;

export function limitOf(host: HostName, rules: HostRules): number {
  const own = Object.hasOwn(rules.limits, host) ? rules.limits[host] : undefined;
  return own ?? rules.parallelMax;
}

/** Downloads that may run at the host at a time; 0 while it cools. */
export function allowedNow(
  host: HostName,
  state: HostState | null,
  rules: HostRules,
  nowMs: number,
): number {
  const most = limitOf(host, rules);
  if (!isThrottled(state, nowMs)) return most;
  return isCooling(state, nowMs) ? 0 : Math.min(most, state.limit);
}

const PROBATION_MS_MAX = 86_400_000;

/** Whether it cools or is on probation. */
export function isThrottled(state: HostState | null, nowMs: number): state is HostState {
  return state !== null && state.strikes > 0 && nowMs < state.coolingUntilMs + PROBATION_MS_MAX;
}

export function isCooling({ strikes, coolingUntilMs }: HostState, nowMs: number): boolean {
  return strikes > 0 && coolingUntilMs > nowMs;
}

/** An answer that asks for patience. */
export interface Throttle {
  /** When the download began, by the leader's clock. */
  readonly startedMs: number;
  readonly retryAfterMs: number | null;
  readonly why: string;
}

/** So much later at least must a Retry-After of the same wave end to be worth a write. */
const LONGER_MS_MIN = 1_000;

/** The state after a host asked for patience; null when it changes nothing. */
export function afterThrottle(
  known: HostState | null,
  { startedMs, retryAfterMs, why }: Throttle,
  rules: HostRules,
  nowMs: number,
): HostState | null {
  const before = isThrottled(known, nowMs) ? known : null;
  if (before === null || startedMs > before.sinceMs) {
    const strikes = (before?.strikes ?? 0) + 1;
    const coolingUntilMs = nowMs + coolDownMs(strikes, retryAfterMs, rules);
    return { strikes, limit: 1, coolingUntilMs, sinceMs: nowMs, why };
  }
  const untilMs = nowMs + patience(retryAfterMs ?? 0);
  return untilMs >= before.coolingUntilMs + LONGER_MS_MIN
    ? { ...before, coolingUntilMs: untilMs }
    : null;
}

/**
 * How long nothing begins: what the host asks for, and its word is enough once; where it goes on, or names no time, a time
 * that doubles from the first to the longest.
 */
function coolDownMs(strikes: number, retryAfterMs: number | null, rules: HostRules): number {
  const { coolDownFirstMs: backoffFirstMs, coolDownMaxMs: backoffMaxMs } = rules;
  const doubled = (times: number) => backoffMs(times, { backoffFirstMs, backoffMaxMs }, MIDDLE);
  if (retryAfterMs === null) return doubled(strikes);
  const own = strikes > 1 ? doubled(strikes - 1) : 0;
  return Math.max(patience(retryAfterMs), own);
}

/** One leader decides for all: there is nobody to be apart from. */
const MIDDLE = 0.5;

function patience(retryAfterMs: number): number {
  return Math.ceil(Math.min(retryAfterMs, RETRY_AFTER_MS_MAX));
}

/** A host that takes so many again is open, whatever it may be asked. */
const PROBATION_LIMIT_MAX = 16;

/** The state after enough successes: it may be asked for twice as much, and is open when that is all. */
export function afterSuccesses(state: HostState, most: number): HostState {
  const limit = state.limit * 2;
  if (limit < Math.min(most, PROBATION_LIMIT_MAX)) return { ...state, limit };
  return { ...state, strikes: 0, limit, coolingUntilMs: 0, why: '' };
}
