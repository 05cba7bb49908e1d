import { type ServerInterceptingCallInterface, status } from '@grpc/grpc-js';
import { peerOf } from '../core/peer.ts';
import type { Caller } from '../shell/access.ts';
import type { CallRefusal } from './grpc-metrics.ts';
import { type Failure, statusOf } from './status.ts';

type CallStatus = Parameters<ServerInterceptingCallInterface['sendStatus']>[0];

/** One call on its way through the gate. */
export class GatedCall {
  readonly path: string;
  readonly method: string;
  readonly from: string;
  /** Who makes it; null while nobody knows. */
  caller: Caller | null = null;
  readonly #call: ServerInterceptingCallInterface;
  readonly #waiting = new AbortController();
  #release: () => void = () => undefined;
  #isOurs = false;

  constructor(
    path: string,
    call: ServerInterceptingCallInterface,
    onRefused: (reason: CallRefusal) => void,
  ) {
    this.path = path;
    this.method = path.slice(path.lastIndexOf('/') + 1);
    this.from = peerOf(call.getConnectionInfo().remoteAddress);
    this.#call = call;
    const send = call.sendStatus.bind(call);
    // What grpc-js itself says of a bad request names it as internal, and quotes what came.
    call.sendStatus = (given) => {
      if (this.#isOurs || this.#waiting.signal.aborted) return send(given);
      const { answer, reason } = inOurWords(given);
      if (reason !== null) onRefused(reason);
      send(answer);
    };
  }

  /** Aborted when its request is there, or nobody waits for it any more. */
  get waiting(): AbortSignal {
    return this.#waiting.signal;
  }

  onOver(release: () => void): void {
    this.#release = release;
  }

  arrived(): void {
    this.#waiting.abort();
  }

  answered(given: CallStatus): CallStatus {
    this.#isOurs = true;
    return given;
  }

  end(failure: Failure): void {
    this.#call.sendStatus(this.answered(statusOf(failure)));
  }

  over(): void {
    this.#waiting.abort();
    this.#release();
    this.#release = () => undefined;
  }
}

/** @param given what grpc-js answers by itself before the request is there. */
function inOurWords(given: CallStatus): {
  readonly answer: CallStatus;
  readonly reason: CallRefusal | null;
} {
  switch (given.code) {
    case status.RESOURCE_EXHAUSTED: {
      const answer = statusOf({
        kind: 'exhausted',
        reason: 'REQUEST_TOO_LARGE',
        message: 'this request is larger than it may be',
        hint: 'ask for less at once',
      });
      return { answer, reason: 'message_size' };
    }
    case status.DEADLINE_EXCEEDED:
      return { answer: given, reason: null };
    default: {
      const answer = statusOf({
        kind: 'invalid',
        reason: 'REQUEST_UNREADABLE',
        message: 'this request cannot be read',
        hint: 'ask with a podctl of the version that runs here',
      });
      return { answer, reason: 'message_form' };
    }
  }
}
