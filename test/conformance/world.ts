import type { Bus } from '@podctl/platform/bus.ts';
import { type Clock, systemClock } from '@podctl/platform/clock.ts';
import type { EventStream } from '@podctl/platform/event-stream.ts';
import type { Kv } from '@podctl/platform/kv.ts';
import { type Bucket, openBucket } from '@podctl/platform/nats/bucket.ts';
import { natsBus } from '@podctl/platform/nats/bus.ts';
import { connectNats, type NatsLink } from '@podctl/platform/nats/connection.ts';
import { NatsEventStream } from '@podctl/platform/nats/event-stream.ts';
import { natsKv } from '@podctl/platform/nats/kv.ts';
import { ManualClock } from '@podctl/platform/twin/manual-clock.ts';
import { MemoryNats } from '@podctl/platform/twin/memory-nats.ts';
import { startNatsServer } from '../support/nats-server.ts';

/** A server and its clients: the same tests run over the twin and over the real one. */
export interface World {
  readonly clock: Clock;
  /** Errors that were reported. A test that expects none may look. */
  readonly errors: unknown[];
  connect(name: string): Promise<WorldClient>;
  /** Waits for the promise while time passes: virtual time where it is virtual. */
  pass<T>(promise: Promise<T>): Promise<T>;
  /** Takes the tails' consumers away on the server, behind the backs of the clients. */
  blindTails(bucket: string): Promise<void>;
  /** The server goes away and comes back with its data. */
  restart(): Promise<void>;
  stop(): Promise<void>;
}

export interface WorldClient {
  readonly bus: Bus;
  kv(bucket: string): Promise<Kv>;
  events(): EventStream;
  /** The connection ends without a word, as when the process dies. */
  kill(): Promise<void>;
}

export interface WorldKind {
  readonly name: string;
  make(): Promise<World>;
}

/** Keys of a test with markers live so long after they expired. */
const MARKER_TTL_MS = 3_600_000;
const PASS_STEP_MS = 50;
const PASS_MS_MAX = 120_000;

export const WORLDS: readonly WorldKind[] = [
  { name: 'twin', make: memoryWorld },
  { name: 'nats-server', make: natsWorld },
];

async function memoryWorld(): Promise<World> {
  const clock = new ManualClock();
  const errors: unknown[] = [];
  const nats = new MemoryNats(clock, {
    markerTtlMs: MARKER_TTL_MS,
    onError: (error) => errors.push(error),
  });
  const clients: ReturnType<MemoryNats['client']>[] = [];
  return {
    clock,
    errors,
    connect: async (name) => {
      const client = nats.client(name);
      clients.push(client);
      return {
        bus: client.bus,
        kv: async (bucket) => client.kv(bucket),
        events: () => client.events(),
        kill: async () => client.close(),
      };
    },
    pass: (promise) => passVirtualTime(clock, promise),
    blindTails: async () => nats.blindTails(),
    restart: async () => {
      for (const client of clients) client.cut();
      await clock.advance(100);
      for (const client of clients) client.heal();
    },
    stop: async () => nats.stop(),
  };
}

async function passVirtualTime<T>(clock: ManualClock, promise: Promise<T>): Promise<T> {
  let isSettled = false;
  const mark = () => {
    isSettled = true;
  };
  promise.then(mark, mark);
  for (let ms = 0; ms < PASS_MS_MAX && !isSettled; ms += PASS_STEP_MS) {
    await clock.advance(PASS_STEP_MS);
  }
  if (!isSettled) throw new Error(`nothing happened in ${PASS_MS_MAX} ms of virtual time`);
  return promise;
}

async function natsWorld(): Promise<World> {
  const server = await startNatsServer();
  const errors: unknown[] = [];
  const onError = (error: unknown) => errors.push(error);
  const links: NatsLink[] = [];
  const buckets = new Map<string, Bucket>();
  const signal = new AbortController().signal;
  const ports = { clock: systemClock, random: Math.random, onError };
  const open = async (link: NatsLink, name: string) => {
    const options = { name, replicas: 1, markerTtlMs: MARKER_TTL_MS, timeoutMs: 5_000 } as const;
    const bucket = await openBucket(link, options, systemClock, signal);
    buckets.set(name, bucket);
    return natsKv(bucket, ports);
  };
  return {
    clock: systemClock,
    errors,
    connect: async (name) => {
      const options = { servers: [server.url], name, auth: { kind: 'none' } } as const;
      const link = await connectNats(options, { ...ports, listen: () => undefined }, signal);
      links.push(link);
      const bus = natsBus(link.nc, onError);
      const limits = { replicas: 1, keepMs: 3_600_000, bytesMax: 8_000_000 };
      return {
        bus,
        kv: (bucket) => open(link, bucket),
        events: () => new NatsEventStream(link, limits),
        kill: () => link.nc.close(),
      };
    },
    pass: (promise) => promise,
    blindTails: async (name) => {
      const bucket = buckets.get(name);
      if (bucket === undefined) return;
      for await (const info of bucket.jsm.consumers.list(bucket.stream)) {
        await bucket.jsm.consumers.delete(bucket.stream, info.name);
      }
    },
    restart: () => server.restart(),
    stop: async () => {
      for (const link of links) await link.close();
      await server.stop();
    },
  };
}
