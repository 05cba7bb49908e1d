import type { KvEntry, Tail, TailSink, TailState } from '../kv.ts';
import type { MemoryBucket } from './memory-bucket.ts';
import type { MemoryClient } from './memory-nats.ts';

/**
 * loading → live ⇄ silent → stopped. Silent: its client is cut off, or it was blinded; what is written then is found
 * later as the newest entry of each key, as from the server.
 */
export class MemoryTail implements Tail {
  readonly #client: MemoryClient;
  readonly #bucket: MemoryBucket;
  readonly #sink: TailSink;
  readonly #stopping = new AbortController();
  #queue: KvEntry[] = [];
  #began = false;
  #blind = false;
  #isCurrent = false;
  #pumping = false;
  #revision = 0;
  #recreated = 0;
  #heardAtMs: number;
  #unlisten: (() => void)[] = [];

  constructor(client: MemoryClient, bucket: MemoryBucket, sink: TailSink) {
    this.#client = client;
    this.#bucket = bucket;
    this.#sink = sink;
    this.#heardAtMs = client.world.clock.monotonicMs();
  }

  async start(): Promise<void> {
    if (this.#began || this.#stopping.signal.aborted) return;
    this.#began = true;
    this.#blind = !this.#client.reachesServer;
    this.#queue = this.#blind ? [] : this.#bucket.entriesAfter(0);
    this.#unlisten = [
      this.#bucket.onWrite((entry) => this.#onWrite(entry)),
      this.#client.onChange((change) => {
        if (change === 'blinded') this.#onBlinded();
        else this.#onConnection();
      }),
    ];
    this.#pumpSoon();
  }

  async stop(): Promise<void> {
    this.#stopping.abort();
    for (const unlisten of this.#unlisten) unlisten();
    this.#queue = [];
  }

  state(): TailState {
    if (this.#hears()) this.#heardAtMs = this.#client.world.clock.monotonicMs();
    return {
      phase: this.#phase(),
      revision: this.#revision,
      heardAtMs: this.#heardAtMs,
      recreated: this.#recreated,
    };
  }

  #phase(): TailState['phase'] {
    if (this.#stopping.signal.aborted) return 'stopped';
    if (!this.#isCurrent) return 'loading';
    return this.#hears() ? 'live' : 'silent';
  }

  #hears(): boolean {
    return this.#began && !this.#blind && this.#client.reachesServer;
  }

  #onWrite(entry: KvEntry): void {
    if (!this.#hears()) return;
    this.#queue.push(entry);
    this.#pumpSoon();
  }

  #onConnection(): void {
    if (this.#client.reachesServer) {
      if (this.#blind) this.#resume();
      return;
    }
    this.#goBlind();
  }

  /** Its consumer is gone on the server: nothing comes until it is made anew. */
  #onBlinded(): void {
    this.#goBlind();
    const { clock, silenceMs } = this.#client.world;
    clock.sleep(silenceMs, this.#stopping.signal).then(
      () => {
        if (this.#blind && this.#client.reachesServer) this.#resume();
      },
      () => undefined,
    );
  }

  #goBlind(): void {
    this.#heardAtMs = this.#client.world.clock.monotonicMs();
    this.#blind = true;
    this.#queue = [];
  }

  #resume(): void {
    this.#blind = false;
    this.#recreated += 1;
    this.#queue = this.#bucket.entriesAfter(this.#revision);
    this.#pumpSoon();
  }

  #pumpSoon(): void {
    if (this.#pumping) return;
    this.#pumping = true;
    queueMicrotask(() => {
      this.#pumping = false;
      this.#pump();
    });
  }

  #pump(): void {
    if (!this.#hears() || this.#stopping.signal.aborted) return;
    try {
      for (let entry = this.#queue.shift(); entry !== undefined; entry = this.#queue.shift()) {
        this.#revision = entry.revision;
        this.#sink.entry(entry);
        if (this.#stopping.signal.aborted) return;
      }
      if (this.#isCurrent) return;
      this.#isCurrent = true;
      this.#sink.current(this.#revision);
    } catch (error) {
      this.#client.world.onError(error);
    }
  }
}
