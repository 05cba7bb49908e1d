import { invariant } from '@podctl/domain/result.ts';
import type { Bus } from '../bus.ts';
import type { Clock } from '../clock.ts';
import type { EventStream } from '../event-stream.ts';
import type { Kv } from '../kv.ts';
import { MemoryBucket } from './memory-bucket.ts';
import { MemoryBus, MemoryExchange } from './memory-bus.ts';
import { MemoryEventStream, MemoryEvents } from './memory-event-stream.ts';
import { MemoryKv, type WriteFault } from './memory-kv.ts';

export interface MemoryNatsOptions {
  /** How long a client waits for an answer that does not come. */
  readonly timeoutMs?: number;
  /** A tail that was blinded is made anew after this time. */
  readonly silenceMs?: number;
  readonly markerTtlMs?: number;
  /** A handler or sink that throws is a bug: the test should fail. */
  readonly onError: (error: unknown) => void;
}

/** The server of the twins, shared by its clients: the same ports, in memory, on any clock, with faults on demand. */
export class MemoryNats {
  readonly clock: Clock;
  readonly timeoutMs: number;
  readonly silenceMs: number;
  readonly onError: (error: unknown) => void;
  /** Asked before each CAS; the simulation decides here what becomes of a write and its answer. */
  writeFault: (client: string, key: string) => WriteFault = () => ({ kind: 'none' });
  readonly exchange: MemoryExchange;
  readonly events: MemoryEvents;
  readonly #markerTtlMs: number;
  readonly #buckets = new Map<string, MemoryBucket>();
  readonly #clients = new Map<string, MemoryClient>();

  constructor(clock: Clock, options: MemoryNatsOptions) {
    this.clock = clock;
    this.timeoutMs = options.timeoutMs ?? 1_000;
    this.silenceMs = options.silenceMs ?? 1_500;
    this.#markerTtlMs = options.markerTtlMs ?? 86_400_000;
    this.onError = options.onError;
    this.exchange = new MemoryExchange();
    this.events = new MemoryEvents(clock);
  }

  bucket(name: string): MemoryBucket {
    const known = this.#buckets.get(name);
    if (known !== undefined) return known;
    const made = new MemoryBucket(this.clock, this.#markerTtlMs);
    this.#buckets.set(name, made);
    return made;
  }

  client(name: string): MemoryClient {
    invariant(!this.#clients.has(name), `client ${name} connects once`);
    const client = new MemoryClient(this, name);
    this.#clients.set(name, client);
    return client;
  }

  /** The answer to the next CAS is lost, and the write too, or it lands at once, or later. */
  faultNextWrite(fault: WriteFault): void {
    const before = this.writeFault;
    this.writeFault = () => {
      this.writeFault = before;
      return fault;
    };
  }

  blindTails(): void {
    for (const client of this.#clients.values()) client.blindTails();
  }

  stop(): void {
    for (const client of this.#clients.values()) client.close();
    for (const bucket of this.#buckets.values()) bucket.stop();
  }
}

type ClientChange = 'connection' | 'blinded';

/** One connection to the twin. It can be cut off from the server and healed, or closed for good. */
export class MemoryClient {
  readonly name: string;
  readonly world: MemoryNats;
  readonly bus: Bus;
  readonly #closing = new AbortController();
  readonly #listeners = new Set<(change: ClientChange) => void>();
  #cut = false;

  constructor(world: MemoryNats, name: string) {
    this.world = world;
    this.name = name;
    this.bus = new MemoryBus(this);
  }

  kv(bucket: string): Kv {
    return new MemoryKv(this, this.world.bucket(bucket));
  }

  events(): EventStream {
    return new MemoryEventStream(this, this.world.events);
  }

  get reachesServer(): boolean {
    return !this.#cut && !this.#closing.signal.aborted;
  }

  /** Aborted when the connection is closed for good. */
  get closed(): AbortSignal {
    return this.#closing.signal;
  }

  cut(): void {
    this.#cut = true;
    this.#tell('connection');
  }

  heal(): void {
    this.#cut = false;
    this.#tell('connection');
  }

  close(): void {
    this.#closing.abort(new Error(`the connection of ${this.name} is closed`));
    this.#tell('connection');
  }

  /** Its tails' consumers are gone on the server, behind their backs, until they notice by the silence. */
  blindTails(): void {
    this.#tell('blinded');
  }

  onChange(listener: (change: ClientChange) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  #tell(change: ClientChange): void {
    for (const listener of [...this.#listeners]) listener(change);
  }
}
