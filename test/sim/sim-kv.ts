import {
  type CasOptions,
  type CasOutcome,
  type Kv,
  type KvEntry,
  KvUnavailable,
  type Tail,
  type TailSink,
} from '@podctl/platform/kv.ts';
import type { BucketWrite, MemoryBucket } from '@podctl/platform/twin/memory-bucket.ts';
import type { Fate, Link, SimNetwork } from './network.ts';
import { SimTail } from './sim-tail.ts';

const noAnswer = new Error('no answer (sim)');
const lostAnswer: CasOutcome = { kind: 'unknown', cause: noAnswer };

/** Told before each write is sent, and before each answer is heard: somebody may crash or pause the process there. */
export interface KvMoments {
  sending(key: string, value: Uint8Array | null): void;
  answered(key: string): void;
}

/** A bucket as one process reaches it: there and back takes time, and each way can fail. */
export class SimKv implements Kv {
  readonly #network: SimNetwork;
  readonly #link: Link;
  readonly #name: string;
  readonly #bucket: MemoryBucket;
  readonly #timeoutMs: number;
  readonly #moments: KvMoments;

  constructor(
    network: SimNetwork,
    link: Link,
    name: string,
    timeoutMs: number,
    moments: KvMoments,
  ) {
    this.#network = network;
    this.#link = link;
    this.#name = name;
    this.#bucket = network.bucket(name);
    this.#timeoutMs = timeoutMs;
    this.#moments = moments;
  }

  get(key: string, signal?: AbortSignal): Promise<KvEntry | null> {
    const { promise, resolve, reject } = Promise.withResolvers<KvEntry | null>();
    if (signal?.aborted) return Promise.reject(signal.reason);
    const stop = () => reject(signal?.reason);
    signal?.addEventListener('abort', stop, { once: true });
    this.#call(
      'answered',
      () => this.#network.read(this.#name, this.#bucket, key),
      (answer) => {
        signal?.removeEventListener('abort', stop);
        this.#moments.answered(key);
        this.#link.process.enter(() => {
          if (answer === 'none') reject(new KvUnavailable(`get ${key}`, noAnswer));
          else resolve(answer.value);
        });
      },
    );
    return promise;
  }

  cas(
    key: string,
    expected: number,
    value: Uint8Array,
    options: CasOptions = {},
  ): Promise<CasOutcome> {
    return this.#write({ key, expected, value, ...options });
  }

  remove(key: string, expected: number): Promise<CasOutcome> {
    return this.#write({ key, expected, value: null });
  }

  async put(key: string, value: Uint8Array): Promise<number> {
    const outcome = await this.#write({ key, expected: null, value });
    if (outcome.kind === 'written') return outcome.revision;
    throw new KvUnavailable(`put ${key}`, noAnswer);
  }

  tail(sink: TailSink): Tail {
    const { client, process } = this.#link;
    return new SimTail(client.kv(this.#name), process, this.#network, sink);
  }

  #write(write: BucketWrite): Promise<CasOutcome> {
    const { process } = this.#link;
    const { promise, resolve } = Promise.withResolvers<CasOutcome>();
    const { time } = this.#network;
    const monotonicMs = process.clock.monotonicMs();
    const sender = { process, sentMs: time.nowMs, monotonicMs };
    this.#moments.sending(write.key, write.value);
    process.enter(() => {
      this.#call(
        this.#network.fate(),
        () => this.#network.write(this.#bucket, write, sender),
        (answer) => {
          this.#moments.answered(write.key);
          process.enter(() => resolve(answer === 'none' ? lostAnswer : answer.value));
        },
      );
    });
    return promise;
  }

  /** Sends; `server` runs when and if it arrives; `heard` is called once, whatever happened. */
  #call<T>(fate: Fate, server: () => T, heard: (answer: { value: T } | 'none') => void): void {
    const { time } = this.#network;
    const silentAtMs = time.nowMs + this.#timeoutMs;
    const silence = () => time.at(silentAtMs, () => heard('none'));
    if (!this.#link.reachesServer || fate === 'lost') return void silence();
    const wayMs = typeof fate === 'object' ? fate.lateMs : this.#network.delayMs();
    if (typeof fate === 'object') silence();
    time.after(wayMs, () => {
      // What is on its way arrives, whether or not its sender still lives; a server without a leader drops it.
      if (this.#network.isLeaderless) {
        if (typeof fate !== 'object') silence();
        return;
      }
      const value = server();
      if (typeof fate === 'object') return;
      if (fate === 'landed' || !this.#link.reachesServer) return void silence();
      time.after(this.#network.delayMs(), () => {
        if (this.#link.reachesServer) heard({ value });
        else silence();
      });
    });
  }
}
