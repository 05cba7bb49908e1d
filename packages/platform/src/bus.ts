/** Core messaging as a port: fire and forget, and request with one reply. Nothing here is durable. */
export interface Bus {
  /** Sends once; lost when nobody listens or the connection is down. */
  publish(subject: string, data: Uint8Array): void;
  /** One request, one reply. Rejects with `BusError` when nobody listens, none came in time, or the connection is gone. */
  request(subject: string, data: Uint8Array, options: RequestOptions): Promise<Uint8Array>;
  /** Calls the handler for each message, in order. A handler that throws is the caller's bug: it is logged, not swallowed. */
  subscribe(subject: string, handler: (message: BusMessage) => void): BusSubscription;
}

export interface RequestOptions {
  timeoutMs: number;
  signal?: AbortSignal;
}

export interface BusMessage {
  readonly subject: string;
  readonly data: Uint8Array;
  /** Answers a request; does nothing when the sender wants no answer. */
  respond(data: Uint8Array): void;
}

export interface BusSubscription {
  stop(): void;
}

/** `nobody`: no subscriber. `timeout`: no answer in time. `closed`: the connection is gone. `refused`: no right to it. */
export type BusErrorCode = 'nobody' | 'timeout' | 'closed' | 'refused';

export class BusError extends Error {
  readonly code: BusErrorCode;
  constructor(code: BusErrorCode, subject: string, cause?: unknown) {
    const words = {
      nobody: 'nobody listens on',
      timeout: 'no answer in time on',
      closed: 'the connection is closed for',
      refused: 'the server gives no right to',
    };
    super(`${words[code]} ${subject}`, { cause });
    this.name = 'BusError';
    this.code = code;
  }
}
