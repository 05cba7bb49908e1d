import { randomUUID } from 'node:crypto';
import {
  type Client,
  type ClientReadableStream,
  Metadata,
  type ServiceError,
  status,
} from '@grpc/grpc-js';
import type { Endpoint } from './endpoint.ts';
import type { Unary } from './feed-calls.ts';
import { isConnected, Line } from './line.ts';
import { commandErrorOf, isNobodyThere, isServiceError } from './status-map.ts';

interface UnaryOptions {
  /** False where the same call twice is not the same as once. */
  readonly isRepeatable: boolean;
}

/** Where there are other addresses, a silent one is not waited for longer than this. */
const CONNECT_MS_MAX = 3_000;
/** Longer than it takes gRPC to tell that a deadline has passed. */
const STAY_MS = 1_000;

/**
 * How one coordinator of several is asked, and the next one when that one is gone. Every call rejects with CommandError;
 * every unary call has a deadline for each coordinator that it tries.
 */
export class CoordinatorCalls {
  readonly #endpoint: Endpoint;
  readonly #lines: readonly Line[];
  protected readonly timeoutMs: number;
  #current = 0;

  constructor(endpoint: Endpoint, timeoutMs: number) {
    this.#endpoint = endpoint;
    this.timeoutMs = timeoutMs;
    this.#lines = endpoint.addresses.map((address) => new Line(address, endpoint));
  }

  /** Of the coordinator that is talked to now. */
  get address(): string {
    return this.#line().address;
  }

  close(): void {
    for (const line of this.#lines) line.close();
  }

  #line(): Line {
    const line = this.#lines[this.#current];
    if (line === undefined) throw new Error('broken invariant: an endpoint has an address');
    return line;
  }

  #moveOn(): void {
    this.#current = (this.#current + 1) % this.#lines.length;
  }

  #told(error: unknown): unknown {
    return isServiceError(error) ? commandErrorOf(error, this.#endpoint, this.timeoutMs) : error;
  }

  protected async unary<C extends Client, Request, Response>(
    serviceOf: (line: Line) => C,
    methodOf: (service: C) => Unary<Request, Response>,
    request: Request,
    options: UnaryOptions = { isRepeatable: true },
  ): Promise<Response> {
    // One for all coordinators that are asked: the same may come twice, and counts once.
    const key = randomUUID();
    for (let left = this.#lines.length - 1; ; left -= 1) {
      const service = serviceOf(this.#line());
      const wasConnected = isConnected(service);
      const patienceMs = left > 0 && !wasConnected ? CONNECT_MS_MAX : this.timeoutMs;
      const timeoutMs = Math.min(patienceMs, this.timeoutMs);
      const answer = await once(methodOf(service), request, key, timeoutMs);
      if (answer.kind === 'response') return answer.response;
      const wasSent = wasConnected || isConnected(service);
      if (left === 0 || !isGone(answer.error, wasSent, options))
        throw commandErrorOf(answer.error, this.#endpoint, timeoutMs);
      this.#moveOn();
    }
  }

  /** Messages as they come. One that nobody began to answer is opened at the next coordinator. */
  protected async *stream<Response>(
    open: (line: Line) => ClientReadableStream<Response>,
    signal: AbortSignal,
  ): AsyncGenerator<Response> {
    signal.throwIfAborted();
    for (let left = this.#lines.length - 1; ; left -= 1) {
      const call = open(this.#line());
      const cancel = () => call.cancel();
      signal.addEventListener('abort', cancel, { once: true });
      let isNew = true;
      try {
        for await (const message of call) {
          isNew = false;
          yield message as Response;
        }
        return;
      } catch (error) {
        // Whoever opens it again has better chances with another one.
        this.#moveOn();
        signal.throwIfAborted();
        const mayMoveOn = isNew && left > 0;
        if (!mayMoveOn || !isServiceError(error) || !isNobodyThere(error)) throw this.#told(error);
      } finally {
        signal.removeEventListener('abort', cancel);
        call.cancel();
      }
    }
  }
}

/** Whether another coordinator may be asked the same: this one cannot have done it, or doing it twice does no harm. */
function isGone(error: ServiceError, wasSent: boolean, { isRepeatable }: UnaryOptions): boolean {
  if (error.code === status.UNAVAILABLE) return isRepeatable || isNobodyThere(error);
  return error.code === status.DEADLINE_EXCEEDED && !wasSent;
}

type Answer<Response> =
  | { readonly kind: 'response'; readonly response: Response }
  | { readonly kind: 'error'; readonly error: ServiceError };

function once<Request, Response>(
  method: Unary<Request, Response>,
  request: Request,
  key: string,
  timeoutMs: number,
): Promise<Answer<Response>> {
  return new Promise((resolve) => {
    const deadline = Date.now() + timeoutMs;
    const metadata = new Metadata();
    metadata.set('idempotency-key', key);
    // gRPC's own timers let the process end while one of them is all that is waited for.
    const stay = setTimeout(() => {}, timeoutMs + STAY_MS);
    method(request, metadata, { deadline }, (error, response) => {
      clearTimeout(stay);
      resolve(error === null ? { kind: 'response', response } : { kind: 'error', error });
    });
  });
}
