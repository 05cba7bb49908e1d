import type { Clock } from '../clock.ts';
import type { KvEntry, Tail, TailSink, TailState } from '../kv.ts';
import type { Bucket } from './bucket.ts';
import { type ConsumerEnd, followConsumer } from './tail-consumer.ts';
import { readDirectly } from './tail-direct.ts';

export interface TailPorts {
  readonly clock: Clock;
  /** 0 to 1, for the jitter of the waits. */
  readonly random: () => number;
  /** What went wrong and is tried again, and what a sink threw, which is a bug. */
  readonly onError: (error: unknown) => void;
}

const BACK_OFF_MIN_MS = 250;
const BACK_OFF_MAX_MS = 2_000;

/**
 * loading → live ⇄ silent → stopped. One push consumer at a time; whenever it goes silent, loses a message, or is found
 * to be blind, another one begins after the newest delivered revision. The client's own watchers stayed blind for 88 s
 * when the node of their consumer died, and do not tell when the initial values have ended.
 */
export class NatsTail implements Tail {
  readonly #bucket: Bucket;
  readonly #sink: TailSink;
  readonly #ports: TailPorts;
  readonly #stopping = new AbortController();
  #running: Promise<void> | null = null;
  #phase: TailState['phase'] = 'loading';
  #isCurrent = false;
  #revision = 0;
  #heardAtMs: number;
  #consumers = 0;

  constructor(bucket: Bucket, sink: TailSink, ports: TailPorts) {
    this.#bucket = bucket;
    this.#sink = sink;
    this.#ports = ports;
    this.#heardAtMs = ports.clock.monotonicMs();
  }

  async start(): Promise<void> {
    if (this.#stopping.signal.aborted) return;
    this.#running ??= this.#run(this.#stopping.signal);
  }

  async stop(): Promise<void> {
    this.#stopping.abort();
    this.#phase = 'stopped';
    await this.#running;
  }

  state(): TailState {
    return {
      phase: this.#phase,
      revision: this.#revision,
      heardAtMs: this.#heardAtMs,
      recreated: Math.max(0, this.#consumers - 1),
    };
  }

  async #run(signal: AbortSignal): Promise<void> {
    let failures = 0;
    let created = this.#bucket.created;
    while (!signal.aborted) {
      const end = await this.#follow(signal, created);
      if (end.kind === 'stopped') return;
      this.#onEnd(end);
      created = end.created;
      // One that was heard is replaced at once: the silence was the wait.
      failures = end.wasHeard ? 0 : failures + 1;
      if (failures === 0) continue;
      await this.#readOn(created, signal);
      await this.#backOff(failures, signal);
    }
  }

  /** No consumer was to be had: what was written meanwhile is read without one. */
  async #readOn(created: string, signal: AbortSignal): Promise<void> {
    if (!this.#isCurrent || this.#revision === 0) return;
    const from = { revision: this.#revision, created };
    const take = (entry: KvEntry) => {
      if (!signal.aborted) this.#deliver(entry);
    };
    try {
      if (!(await readDirectly(this.#bucket, from, signal, take))) return;
      this.#heardAtMs = this.#ports.clock.monotonicMs();
    } catch {
      // Nobody answers at all: that is the silence that is shown already.
    }
  }

  #follow(signal: AbortSignal, created: string): Promise<ConsumerEnd> {
    const from = { revision: this.#revision, created, isCurrent: this.#isCurrent };
    return followConsumer(this.#bucket, from, this.#ports.clock, signal, {
      made: () => {
        this.#consumers += 1;
      },
      heard: () => {
        this.#heardAtMs = this.#ports.clock.monotonicMs();
        if (this.#isCurrent) this.#phase = 'live';
      },
      entry: (entry) => this.#deliver(entry),
      caughtUp: () => this.#becomeCurrent(),
    });
  }

  #onEnd(end: ConsumerEnd): void {
    if (this.#isCurrent) this.#phase = 'silent';
    if (end.kind === 'rewound') this.#rewind();
    if (end.kind === 'failed') this.#ports.onError(end.error);
  }

  #deliver(entry: KvEntry): void {
    this.#revision = entry.revision;
    this.#guard(() => this.#sink.entry(entry));
  }

  #becomeCurrent(): void {
    if (this.#isCurrent) return;
    this.#isCurrent = true;
    this.#phase = 'live';
    this.#guard(() => this.#sink.current(this.#revision));
  }

  #rewind(): void {
    this.#revision = 0;
    this.#isCurrent = false;
    this.#phase = 'loading';
    this.#guard(() => this.#sink.rewound?.());
  }

  /** A sink that throws must not break the connection's reader, in which it runs. */
  #guard(call: () => void): void {
    try {
      call();
    } catch (error) {
      this.#ports.onError(error);
    }
  }

  async #backOff(failures: number, signal: AbortSignal): Promise<void> {
    const doubled = BACK_OFF_MIN_MS * 2 ** Math.min(failures - 1, 10);
    const ms = Math.min(BACK_OFF_MAX_MS, doubled) * (0.5 + this.#ports.random() / 2);
    await this.#ports.clock.sleep(ms, signal).catch(() => undefined);
  }
}
