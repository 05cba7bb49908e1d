import { createHash } from 'node:crypto';
import { err, type Result } from '@podctl/domain/result.ts';
import type { Clock } from '@podctl/platform/clock.ts';
import { MEMO_MS, RequestMemo } from '../core/request-memo.ts';
import type { Failure } from './status.ts';

export interface AskedRequest {
  readonly method: string;
  /** A person's name: nobody is given what another one was answered. */
  readonly caller: string;
  /** What the caller gave as `idempotency-key`; null when nothing. */
  readonly key: string | null;
  readonly request: unknown;
}

/** The metadata in which a caller says that a request may come again. */
export const REQUEST_KEY = 'idempotency-key';

const keyPattern = /^[A-Za-z0-9_-]{1,64}$/;

const BAD_KEY: Failure = {
  kind: 'invalid',
  field: REQUEST_KEY,
  message: `${REQUEST_KEY} has not the form of one`,
  hint: 'give 1 to 64 of a-z, A-Z, 0-9, hyphen and underscore, such as a UUID',
};
const REUSED: Failure = {
  kind: 'invalid',
  reason: 'KEY_REUSED',
  field: REQUEST_KEY,
  message: `this ${REQUEST_KEY} came before with another request`,
  hint: 'give each request a key of its own',
};

/**
 * Answers the same request once. A caller that got no answer asks again with the same key, and is given the answer
 * of the first time: while that one runs, and for ten minutes after. Known to this coordinator only; what another one is
 * asked again does no harm by itself (see ADR 0013), but for what makes a secret, which then is made anew.
 */
export class RepeatedRequests {
  readonly #memo = new RequestMemo<Promise<Result<unknown, Failure>>>();
  readonly #clock: Clock;
  readonly #end = new AbortController();
  #isExpiring = false;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** How many answers are kept. */
  get size(): number {
    return this.#memo.size;
  }

  /** Ends its timer. */
  stop(): void {
    this.#end.abort(new Error('the requests end'));
  }

  /** Rejects as `once` does; a failure is not kept, so that it can be tried again. */
  answer<Response>(
    { method, caller, key: given, request }: AskedRequest,
    once: () => Promise<Result<Response, Failure>>,
  ): Promise<Result<Response, Failure>> {
    if (given === null) return once();
    if (!keyPattern.test(given)) return Promise.resolve(err(BAD_KEY));
    const key = `${method} ${caller} ${given}`;
    const fingerprint = fingerprintOf(request);
    const found = this.#memo.find(key, fingerprint, this.#clock.monotonicMs());
    switch (found.kind) {
      case 'other':
        return Promise.resolve(err(REUSED));
      case 'known':
        // Kept under its method's name, so it is an answer of that method.
        return found.answer as Promise<Result<Response, Failure>>;
      case 'new':
        return this.#begin(key, fingerprint, once);
    }
  }

  #begin<Response>(
    key: string,
    fingerprint: string,
    once: () => Promise<Result<Response, Failure>>,
  ): Promise<Result<Response, Failure>> {
    const answer = once();
    this.#memo.keep(key, fingerprint, answer, this.#clock.monotonicMs());
    void this.#expire();
    answer.then(
      (result) => {
        if (result.ok) this.#memo.weigh(key, answer, 2 * textOf(result.value).length);
        else this.#memo.forget(key);
      },
      () => this.#memo.forget(key),
    );
    return answer;
  }

  /** On time, also when nobody asks anything any more: an answer may hold what is secret, as a join token's text. */
  async #expire(): Promise<void> {
    if (this.#isExpiring || this.#end.signal.aborted) return;
    this.#isExpiring = true;
    try {
      while (this.#memo.size > 0) {
        await this.#clock.sleep(MEMO_MS / 10, this.#end.signal);
        this.#memo.expire(this.#clock.monotonicMs());
      }
    } catch {
      // Stopped.
    }
    this.#isExpiring = false;
  }
}

/** A hash, since a request may be large and hold what is secret. */
function fingerprintOf(request: unknown): string {
  return createHash('sha256').update(textOf(request)).digest('base64');
}

function textOf(message: unknown): string {
  const text = JSON.stringify(message, (_, value: unknown) =>
    typeof value === 'bigint' ? `${value}n` : value,
  );
  return text ?? '';
}
