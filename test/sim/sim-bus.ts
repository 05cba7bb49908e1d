import {
  type Bus,
  BusError,
  type BusMessage,
  type BusSubscription,
  type RequestOptions,
} from '@podctl/platform/bus.ts';
import type { Link, SimNetwork } from './network.ts';
import type { SimProcess } from './process.ts';

interface Interest {
  readonly link: Link;
  readonly pattern: readonly string[];
  readonly handler: (message: BusMessage) => void;
}

/** Told of each message and each answer as it is given: what the log of answers is made of. */
export interface BusWitness {
  sent(subject: string, data: Uint8Array): void;
  answered(by: SimProcess, subject: string, question: Uint8Array, answer: Uint8Array): void;
  heard(by: SimProcess, subject: string, question: Uint8Array, answer: Uint8Array): void;
}

/** The server's side of core messaging. */
export class SimExchange {
  readonly network: SimNetwork;
  readonly witness: BusWitness;
  readonly #interests = new Set<Interest>();

  constructor(network: SimNetwork, witness: BusWitness) {
    this.network = network;
    this.witness = witness;
  }

  add(interest: Interest): () => void {
    this.#interests.add(interest);
    const forget = () => void this.#interests.delete(interest);
    interest.link.process.onDeath(forget);
    return forget;
  }

  /** Carries a message to all who listen; returns how many that are. */
  carry(
    subject: string,
    data: Uint8Array,
    reply: ((answer: Uint8Array, by: SimProcess) => void) | null,
  ): number {
    const words = subject.split('.');
    const heard = [...this.#interests].filter(
      ({ link, pattern }) => link.reachesServer && matches(pattern, words),
    );
    for (const interest of heard)
      for (const ms of this.network.ways())
        this.network.time.after(ms, () => this.#deliver(interest, subject, data, reply));
    return heard.length;
  }

  #deliver(
    interest: Interest,
    subject: string,
    data: Uint8Array,
    reply: ((answer: Uint8Array, by: SimProcess) => void) | null,
  ): void {
    const { link, handler } = interest;
    if (!this.#interests.has(interest) || !link.reachesServer) return;
    link.process.enter(() => {
      if (!this.#interests.has(interest)) return;
      const respond = (answer: Uint8Array) => {
        if (reply === null || link.process.isDead) return;
        this.witness.answered(link.process, subject, data, answer);
        if (link.reachesServer) reply(answer, link.process);
      };
      handler({ subject, data, respond });
    });
  }
}

export class SimBus implements Bus {
  readonly #exchange: SimExchange;
  readonly #link: Link;

  constructor(exchange: SimExchange, link: Link) {
    this.#exchange = exchange;
    this.#link = link;
  }

  publish(subject: string, data: Uint8Array): void {
    this.#send(subject, data.slice(), null, () => {});
  }

  request(subject: string, data: Uint8Array, options: RequestOptions): Promise<Uint8Array> {
    const { process } = this.#link;
    const { promise, resolve, reject } = Promise.withResolvers<Uint8Array>();
    const { signal } = options;
    if (signal?.aborted) return Promise.reject(signal.reason);
    const ended = new AbortController();
    const question = data.slice();
    const end = (settle: () => void) => {
      if (ended.signal.aborted) return;
      ended.abort();
      signal?.removeEventListener('abort', stop);
      settle();
    };
    const stop = () => end(() => reject(signal?.reason));
    signal?.addEventListener('abort', stop, { once: true });
    const answered = (answer: Uint8Array) => {
      for (const ms of this.#exchange.network.ways())
        this.#exchange.network.time.after(ms, () => {
          if (!this.#link.reachesServer) return;
          process.enter(() =>
            end(() => {
              this.#exchange.witness.heard(process, subject, question, answer);
              resolve(answer);
            }),
          );
        });
    };
    this.#send(subject, question, answered, () =>
      process.enter(() => end(() => reject(new BusError('nobody', subject)))),
    );
    process.clock.sleep(options.timeoutMs, ended.signal).then(
      () => end(() => reject(new BusError('timeout', subject))),
      () => undefined,
    );
    return promise;
  }

  subscribe(subject: string, handler: (message: BusMessage) => void): BusSubscription {
    const forget = this.#exchange.add({ link: this.#link, pattern: subject.split('.'), handler });
    return { stop: forget };
  }

  #send(
    subject: string,
    data: Uint8Array,
    reply: ((answer: Uint8Array) => void) | null,
    nobody: () => void,
  ): void {
    if (!this.#link.reachesServer) return;
    const { network, witness } = this.#exchange;
    witness.sent(subject, data);
    network.time.after(network.delayMs(), () => {
      if (this.#exchange.carry(subject, data, reply) === 0)
        network.time.after(network.delayMs(), nobody);
    });
  }
}

/** NATS wildcards: `*` is one token, `>` is one or more at the end. */
function matches(pattern: readonly string[], subject: readonly string[]): boolean {
  for (const [index, word] of pattern.entries()) {
    if (word === '>') return subject.length > index;
    if (index >= subject.length || (word !== '*' && word !== subject[index])) return false;
  }
  return pattern.length === subject.length;
}
