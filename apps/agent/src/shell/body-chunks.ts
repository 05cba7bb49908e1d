import type { Readable } from 'node:stream';

/** In memory, of one body, before its socket is paused. */
const BYTES_MAX = 512 * 1024;
/** Of each chunk beside its bytes: a host may send them one by one. */
const CHUNK_BYTES = 256;

/**
 * A body, chunk by chunk. Unlike a stream's own iterator it gives what came before an error first: what a host has sent
 * until it broke off is what the next attempt does not have to ask for.
 */
export class BodyChunks implements AsyncIterator<Uint8Array, undefined> {
  readonly #body: Readable;
  readonly #chunks: Uint8Array[] = [];
  #bytes = 0;
  #end: { readonly error: unknown } | null = null;
  #wake: (() => void) | null = null;

  constructor(body: Readable) {
    this.#body = body;
    body.on('data', (chunk: Uint8Array) => this.#take(chunk));
    body.once('end', () => this.#finish(null));
    body.once('error', (error) => this.#finish(error));
    body.once('close', () => this.#finish(new Error('the connection was closed')));
  }

  /** Rejects with the body's error once what came before it is taken. One call at a time. */
  async next(): Promise<IteratorResult<Uint8Array, undefined>> {
    for (;;) {
      const chunk = this.#chunks.shift();
      if (chunk !== undefined) {
        this.#bytes -= chunk.length + CHUNK_BYTES;
        if (this.#bytes < BYTES_MAX / 2 && this.#body.isPaused()) this.#body.resume();
        return { done: false, value: chunk };
      }
      if (this.#end !== null) {
        if (this.#end.error === null) return { done: true, value: undefined };
        throw this.#end.error;
      }
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
  }

  #take(chunk: Uint8Array): void {
    this.#chunks.push(chunk);
    this.#bytes += chunk.length + CHUNK_BYTES;
    if (this.#bytes >= BYTES_MAX) this.#body.pause();
    this.#wake?.();
  }

  #finish(error: unknown): void {
    this.#end ??= { error };
    this.#wake?.();
  }
}
