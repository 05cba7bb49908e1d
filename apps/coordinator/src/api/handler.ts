import type {
  handleServerStreamingCall,
  handleUnaryCall,
  Metadata,
  ServerUnaryCall,
  ServerWritableStream,
} from '@grpc/grpc-js';
import type { Result } from '@podctl/domain/result.ts';
import type { Clock } from '@podctl/platform/clock.ts';
import type { Caller } from '../shell/access.ts';
import type { Admission, CallGate } from './call-gate.ts';
import { REQUEST_KEY, RepeatedRequests } from './repeated-requests.ts';
import { CallEnded, codeName, type Failure, failureOf, serviceError } from './status.ts';

/** Told of every call that ended. `method` is one of the API's own, `code` the name of a gRPC status. */
export type CallObserver = (method: string, code: string, seconds: number) => void;

export interface HandlerOptions {
  readonly gate: CallGate;
  readonly clock: Clock;
  readonly onCall: CallObserver;
  /** An error that nobody expected: the caller is told only that there was one. */
  readonly onBug: (method: string, error: unknown) => void;
}

/** What a call's signal is aborted with when its caller hung up or its deadline passed: nobody reads an answer then. */
const CALLER_LEFT = new CallEnded({ kind: 'cancelled', message: 'the caller left' });

/** Longer than a client of ours ever waits. What is asked for may still come to be. */
const UNARY_MS_MAX = 10 * 60_000;
const TOO_LONG: Failure = {
  kind: 'deadline',
  message: `the request took longer than ${UNARY_MS_MAX / 60_000} minutes`,
  hint: 'look whether it was done, then ask again',
};

export type Unary<Request, Response> = (
  request: Request,
  signal: AbortSignal,
  caller: Caller,
) => Promise<Result<Response, Failure>>;

export type Send<Response> = (message: Response, signal: AbortSignal) => Promise<void>;

/** Gives null when the stream is complete. */
export type Streaming<Request, Response> = (
  request: Request,
  send: Send<Response>,
  signal: AbortSignal,
) => Promise<Failure | null>;

/** Turns functions that give results into handlers of calls: status codes, cancelling, counting, ending on stop. */
export class Handlers {
  readonly #options: HandlerOptions;
  readonly #calls = new Map<AbortController, Admission>();
  readonly #repeats: RepeatedRequests;
  #stopReason: Failure | null = null;

  constructor(options: HandlerOptions) {
    this.#options = options;
    this.#repeats = new RepeatedRequests(options.clock);
  }

  unary<Request, Response>(
    method: string,
    handle: Unary<Request, Response>,
  ): handleUnaryCall<Request, Response> {
    return (call, callback) => {
      void this.#run(method, call, async (signal, caller) => {
        const answering = () => handle(call.request, signal, caller);
        const once = () => (hasOwnDeadline(call) ? answering() : this.#inTime(signal, answering()));
        const result = await this.#repeats.answer(
          { method, caller: caller.name, key: this.#keyOf(call.metadata), request: call.request },
          once,
        );
        if (!result.ok) return result.error;
        callback(null, result.value);
        return null;
      }).then((failure) => {
        if (failure !== null) callback(serviceError(failure));
      });
    };
  }

  streaming<Request, Response>(
    method: string,
    handle: Streaming<Request, Response>,
  ): handleServerStreamingCall<Request, Response> {
    return (call) => {
      void this.#run(method, call, (signal) =>
        handle(call.request, (message, until) => sent(call, message, until), signal),
      ).then((failure) => {
        if (failure === null) call.end();
        else if (!call.cancelled) call.emit('error', serviceError(failure));
      });
    };
  }

  /** Refuses the calls that still come; those that run go on. */
  refuse(reason: Failure): void {
    this.#stopReason = reason;
  }

  /** Ends the calls that run, and those that still come. */
  stop(reason: Failure): void {
    this.refuse(reason);
    this.#repeats.stop();
    for (const call of this.#calls.keys()) call.abort(new CallEnded(reason));
  }

  /** Ends the calls of those who may not go on with them. */
  endRevoked(): void {
    for (const [call, admission] of this.#calls) {
      const failure = this.#options.gate.whyEnded(admission);
      if (failure !== null) call.abort(new CallEnded(failure));
    }
  }

  /** Null where the caller gave none, and for what changes nothing: a read is to see what is there now. */
  #keyOf(metadata: Metadata): string | null {
    const [value] = metadata.get(REQUEST_KEY);
    const { rule } = this.#options.gate.admissionOf(metadata);
    return value === undefined || !rule.audited ? null : String(value);
  }

  /** Rejects when it takes longer than any caller waits. */
  async #inTime<T>(signal: AbortSignal, answer: Promise<T>): Promise<T> {
    const over = new AbortController();
    const until = AbortSignal.any([signal, over.signal]);
    const late = this.#options.clock.sleep(UNARY_MS_MAX, until).then(
      () => Promise.reject(new CallEnded(TOO_LONG)),
      () => new Promise<never>(() => {}),
    );
    try {
      return await Promise.race([answer, late]);
    } finally {
      over.abort();
    }
  }

  /** Never rejects: gives why the call failed, or null. */
  async #run(
    method: string,
    call: ServerUnaryCall<unknown, unknown> | ServerWritableStream<unknown, unknown>,
    handle: (signal: AbortSignal, caller: Caller) => Promise<Failure | null>,
  ): Promise<Failure | null> {
    const { clock, onCall, onBug, gate } = this.#options;
    const startMs = clock.monotonicMs();
    const controller = new AbortController();
    const admission = gate.admissionOf(call.metadata);
    this.#calls.set(controller, admission);
    call.once('cancelled', () => controller.abort(CALLER_LEFT));
    let failure: Failure | null;
    try {
      failure = this.#stopReason ?? (await handle(controller.signal, admission.caller));
    } catch (error) {
      // What breaks because the call was ended is not what ended it.
      failure = failureOf(controller.signal.aborted ? controller.signal.reason : error);
      if (failure.kind === 'internal') onBug(method, error);
    }
    this.#calls.delete(controller);
    gate.ended(admission, codeName(failure));
    onCall(method, codeName(failure), (clock.monotonicMs() - startMs) / 1_000);
    return failure;
  }
}

/** Its caller says when it will not wait any more: grpc-js ends it then. */
function hasOwnDeadline(call: ServerUnaryCall<unknown, unknown>): boolean {
  return Number(call.getDeadline()) <= Date.now() + UNARY_MS_MAX;
}

/** One message at a time: the stream's own queue would take sixteen whole snapshots for a reader that does not read. */
function sent<Response>(
  call: ServerWritableStream<unknown, Response>,
  message: Response,
  signal: AbortSignal,
): Promise<void> {
  return new Promise((resolve, reject) => {
    if (signal.aborted) return reject(signal.reason);
    const abort = () => reject(signal.reason);
    signal.addEventListener('abort', abort, { once: true });
    call.write(message, (error: Error | null | undefined) => {
      signal.removeEventListener('abort', abort);
      if (error) reject(error);
      else resolve();
    });
  });
}
