import {
  type Bus,
  BusError,
  type BusMessage,
  type BusSubscription,
  type RequestOptions,
} from '../bus.ts';
import type { MemoryClient } from './memory-nats.ts';

interface Interest {
  readonly client: MemoryClient;
  readonly pattern: readonly string[];
  readonly handler: (message: BusMessage) => void;
}

/** The server's side of core messaging: who listens to what. */
export class MemoryExchange {
  readonly #interests = new Set<Interest>();
  #inboxes = 0;

  add(interest: Interest): () => void {
    this.#interests.add(interest);
    return () => this.#interests.delete(interest);
  }

  inbox(): string {
    this.#inboxes += 1;
    return `_INBOX.${this.#inboxes}`;
  }

  /** Returns how many will hear it. Delivery is later, in order of publishing. */
  send(from: MemoryClient, subject: string, data: Uint8Array, reply: string | null): number {
    const tokens = subject.split('.');
    const copy = data.slice();
    const heard = [...this.#interests].filter(
      (interest) => interest.client.reachesServer && matches(interest.pattern, tokens),
    );
    for (const interest of heard) {
      queueMicrotask(() => this.#deliver(interest, subject, copy, reply));
    }
    return from.reachesServer ? heard.length : 0;
  }

  #deliver(interest: Interest, subject: string, data: Uint8Array, reply: string | null): void {
    if (!this.#interests.has(interest) || !interest.client.reachesServer) return;
    const respond = (answer: Uint8Array) => {
      if (reply !== null && interest.client.reachesServer) {
        this.send(interest.client, reply, answer, null);
      }
    };
    try {
      interest.handler({ subject, data, respond });
    } catch (error) {
      interest.client.world.onError(error);
    }
  }
}

export class MemoryBus implements Bus {
  readonly #client: MemoryClient;

  constructor(client: MemoryClient) {
    this.#client = client;
  }

  publish(subject: string, data: Uint8Array): void {
    if (this.#client.reachesServer) {
      this.#client.world.exchange.send(this.#client, subject, data, null);
    }
  }

  async request(subject: string, data: Uint8Array, options: RequestOptions): Promise<Uint8Array> {
    options.signal?.throwIfAborted();
    if (this.#client.closed.aborted) throw new BusError('closed', subject);
    const exchange = this.#client.world.exchange;
    const inbox = exchange.inbox();
    const ended = new AbortController();
    const answer = Promise.withResolvers<Uint8Array>();
    const interest = { client: this.#client, pattern: inbox.split('.') };
    const forget = exchange.add({ ...interest, handler: (reply) => answer.resolve(reply.data) });
    const stop = () => answer.reject(options.signal?.reason);
    const close = () => answer.reject(new BusError('closed', subject));
    options.signal?.addEventListener('abort', stop, { once: true });
    this.#client.closed.addEventListener('abort', close, { once: true });
    try {
      const heard = this.#client.reachesServer
        ? exchange.send(this.#client, subject, data, inbox)
        : null;
      if (heard === 0) throw new BusError('nobody', subject);
      this.#client.world.clock.sleep(options.timeoutMs, ended.signal).then(
        () => answer.reject(new BusError('timeout', subject)),
        () => undefined,
      );
      return await answer.promise;
    } finally {
      ended.abort();
      forget();
      options.signal?.removeEventListener('abort', stop);
      this.#client.closed.removeEventListener('abort', close);
    }
  }

  subscribe(subject: string, handler: (message: BusMessage) => void): BusSubscription {
    const client = this.#client;
    if (client.closed.aborted) throw new BusError('closed', subject);
    const forget = client.world.exchange.add({ client, pattern: subject.split('.'), handler });
    return { stop: () => void forget() };
  }
}

/** NATS wildcards: `*` is one token, `>` is one or more at the end. */
function matches(pattern: readonly string[], subject: readonly string[]): boolean {
  for (const [index, token] of pattern.entries()) {
    if (token === '>') return subject.length > index;
    if (index >= subject.length || (token !== '*' && token !== subject[index])) return false;
  }
  return pattern.length === subject.length;
}
