import {
  type CasOptions,
  type CasOutcome,
  type Kv,
  type KvEntry,
  KvUnavailable,
  type Tail,
  type TailSink,
} from '../kv.ts';
import type { BucketWrite, MemoryBucket } from './memory-bucket.ts';
import type { MemoryClient } from './memory-nats.ts';
import { MemoryTail } from './memory-tail.ts';

/** What becomes of a CAS. Every kind but `none` answers `unknown`. */
export type WriteFault =
  | { readonly kind: 'none' }
  | { readonly kind: 'landed' }
  | { readonly kind: 'lost' }
  | { readonly kind: 'late'; readonly afterMs: number };

const lostAnswer = { kind: 'unknown', cause: new Error('no answer (twin)') } as const;

export class MemoryKv implements Kv {
  readonly #client: MemoryClient;
  readonly #bucket: MemoryBucket;

  constructor(client: MemoryClient, bucket: MemoryBucket) {
    this.#client = client;
    this.#bucket = bucket;
  }

  async get(key: string, signal?: AbortSignal): Promise<KvEntry | null> {
    signal?.throwIfAborted();
    if (!(await this.#reaches(signal))) throw new KvUnavailable(`get ${key}`, lostAnswer.cause);
    return this.#bucket.read(key);
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
    const reached = await this.#reaches();
    const outcome = reached ? this.#bucket.write({ key, expected: null, value }) : lostAnswer;
    if (outcome.kind === 'written') return outcome.revision;
    throw new KvUnavailable(`put ${key}`, lostAnswer.cause);
  }

  tail(sink: TailSink): Tail {
    return new MemoryTail(this.#client, this.#bucket, sink);
  }

  async #write(write: BucketWrite): Promise<CasOutcome> {
    if (!(await this.#reaches())) return lostAnswer;
    const world = this.#client.world;
    const fault = world.writeFault(this.#client.name, write.key);
    switch (fault.kind) {
      case 'none':
        return this.#bucket.write(write);
      case 'landed':
        this.#bucket.write(write);
        return lostAnswer;
      case 'lost':
        return lostAnswer;
      case 'late':
        // It is on its way: whether the sender still lives does not matter.
        world.clock.sleep(fault.afterMs, new AbortController().signal).then(
          () => this.#bucket.write(write),
          () => undefined,
        );
        return lostAnswer;
    }
  }

  /** False after the time that a client waits in vain. */
  async #reaches(signal?: AbortSignal): Promise<boolean> {
    await Promise.resolve();
    if (this.#client.reachesServer) return true;
    const { clock, timeoutMs } = this.#client.world;
    const closed = this.#client.closed;
    const either = signal === undefined ? closed : AbortSignal.any([closed, signal]);
    await clock.sleep(timeoutMs, either).catch(() => undefined);
    signal?.throwIfAborted();
    return false;
  }
}
