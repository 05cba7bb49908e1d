import type { ServerInterceptingCallInterface } from '@grpc/grpc-js';
import { Counts } from '../core/counts.ts';
import { RateLimit, type RateRule } from '../core/rate-limit.ts';
import type { CallRefusal } from './grpc-metrics.ts';
import type { Failure } from './status.ts';

export interface Refusal {
  readonly reason: CallRefusal;
  readonly failure: Failure;
}

const KEYS_MAX = 10_000;
/** A fast script of one person; `podctl watch` makes one call. */
const CALL_RATE: RateRule = { burst: 200, perSecond: 100, keysMax: KEYS_MAX };
/** Health checks, which ask for no token, by address. */
const OPEN_RATE: RateRule = { burst: 50, perSecond: 10, keysMax: KEYS_MAX };
/** By address. Secrets of 160 bits are not guessed: this keeps the log and the processor for others. */
const FAILED_LOGIN_RATE: RateRule = { burst: 20, perSecond: 0.5, keysMax: KEYS_MAX };

const CALLS_PER_CALLER_MAX = 64;
const STREAMS_PER_CALLER_MAX = 16;
const OPEN_CALLS_PER_PEER_MAX = 16;
const CALLS_MAX = 2_000;
const OPEN_CALLS_MAX = 256;

export const METADATA_BYTES_MAX = 8 * 1_024;
/** A request that has not arrived whole by then is given up: 16 MiB at 3 Mbit/s. */
export const REQUEST_WAIT_MS = 45_000;

/** For whom a call is counted: a person by name, or an address that needs none. */
export interface Payer {
  readonly kind: 'person' | 'peer';
  readonly key: string;
}

/** What callers may ask of one coordinator. Memory is bounded by the limits themselves. */
export class CallLimits {
  readonly #calls = new RateLimit(CALL_RATE);
  readonly #openCalls = new RateLimit(OPEN_RATE);
  readonly #failedLogins = new RateLimit(FAILED_LOGIN_RATE);
  readonly #running = { person: new Counts(), peer: new Counts() };
  readonly #streams = new Counts();

  /** Null: it may be made. */
  overRate({ kind, key }: Payer, nowMs: number): Refusal | null {
    const [limit, rule] =
      kind === 'person' ? [this.#calls, CALL_RATE] : [this.#openCalls, OPEN_RATE];
    return limit.take(key, nowMs) ? null : tooOften('rate', 'too many calls came', rule);
  }

  /**
   * After a login that failed. Who brings a good token is never kept out by what others of the same address do.
   * Null: this failure is answered as one.
   */
  overFailedLogins(peer: string, nowMs: number): Refusal | null {
    if (this.#failedLogins.take(peer, nowMs)) return null;
    return tooOften('failed_logins', 'too many tokens that are not valid came', FAILED_LOGIN_RATE);
  }

  /** Begins a call, unless too many run: gives what ends it again, to be called once. */
  begin({ kind, key }: Payer, isStream: boolean): Refusal | (() => void) {
    const running = this.#running[kind];
    const [ownMax, allMax] =
      kind === 'person'
        ? [CALLS_PER_CALLER_MAX, CALLS_MAX]
        : [OPEN_CALLS_PER_PEER_MAX, OPEN_CALLS_MAX];
    const streams = kind === 'person' && isStream ? this.#streams : null;
    if (streams !== null && streams.of(key) >= STREAMS_PER_CALLER_MAX)
      return tooMany(`${STREAMS_PER_CALLER_MAX} streams of yours run already`);
    if (running.of(key) >= ownMax) return tooMany(`${ownMax} calls of yours run already`);
    if (running.total >= allMax) return tooMany(`${allMax} calls run here already`);
    running.add(key);
    streams?.add(key);
    return () => {
      running.remove(key);
      streams?.remove(key);
    };
  }
}

function tooOften(reason: CallRefusal, what: string, { perSecond }: RateRule): Refusal {
  const retryAfterMs = 1_000 / perSecond;
  const message = `${what} in a short time`;
  const hint = `ask again in ${Math.ceil(retryAfterMs / 1_000)} s`;
  return {
    reason,
    failure: { kind: 'exhausted', reason: 'CALLS_TOO_OFTEN', message, hint, retryAfterMs },
  };
}

function tooMany(what: string): Refusal {
  const hint = 'end some of them, then ask again';
  return {
    reason: 'concurrency',
    failure: { kind: 'exhausted', reason: 'CALLS_TOO_MANY', message: what, hint },
  };
}

/**
 * Lowers the limit of one call's message before its first byte is read: grpc-js has one limit for all methods of a server,
 * and holds a message of that size before anybody may judge it. The two fields are its own; a test fails when they go.
 */
export function limitMessage(call: ServerInterceptingCallInterface, bytesMax: number): void {
  Reflect.set(call, 'maxReceiveMessageSize', bytesMax);
  const decoder: unknown = Reflect.get(call, 'decoder');
  if (typeof decoder === 'object' && decoder !== null)
    Reflect.set(decoder, 'maxReadMessageLength', bytesMax);
}
