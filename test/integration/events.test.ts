import { randomBytes } from 'node:crypto';
import { BUCKETS, EVENT_STREAM } from '@podctl/domain/key.ts';
import { systemClock } from '@podctl/platform/clock.ts';
import { EVERY_EVENT, type EventStream } from '@podctl/platform/event-stream.ts';
import { openBucket } from '@podctl/platform/nats/bucket.ts';
import { natsBus } from '@podctl/platform/nats/bus.ts';
import { connectNats, type NatsLink } from '@podctl/platform/nats/connection.ts';
import { NatsEventStream } from '@podctl/platform/nats/event-stream.ts';
import { natsKv } from '@podctl/platform/nats/kv.ts';
import { MemoryLibrary } from '@podctl/platform/twin/memory-library.ts';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { followEvents } from '../../apps/coordinator/src/api/event-follow.ts';
import { Coordinator } from '../../apps/coordinator/src/coordinator.ts';
import {
  type ArchivedEvent,
  EventArchive,
} from '../../apps/coordinator/src/shell/event-archive.ts';
import { defaults } from '../support/coordinator-world.ts';
import { startNatsServer, type TestNatsServer } from '../support/nats-server.ts';
import { storeEvent } from '../support/stored-events.ts';

const quiet = { info: () => {}, warn: () => {}, error: () => {}, debug: () => {} };
const all = { types: [], feed: null, agent: null, sinceMs: null };
const signal = new AbortController().signal;
const library = new MemoryLibrary('m'.repeat(16), 1_000_000, () => systemClock.wallMs());
const LIMITS = { replicas: 1, keepMs: 3_600_000, bytesMax: 4_000_000 };
/** A lead that changes hands within two seconds. */
const TERM = { ttlMs: 2_000, renewEveryMs: 500, marginMs: 300, pollEveryMs: 300, retryMs: 50 };

let server: TestNatsServer;
const links: NatsLink[] = [];
const stops: (() => Promise<void>)[] = [];
beforeAll(async () => {
  server = await startNatsServer();
});
afterEach(async () => {
  for (const stop of stops.splice(0).reverse()) await stop();
  for (const link of links.splice(0)) await link.close();
});
afterAll(() => server.stop());

async function connect(name: string): Promise<NatsLink> {
  const ports = { clock: systemClock, random: Math.random, listen: () => {} };
  const options = { servers: [server.url], name, auth: { kind: 'none' } } as const;
  const link = await connectNats(options, ports, signal);
  links.push(link);
  return link;
}

/** A coordinator on the real server; its way to the stream can be blocked. */
async function coordinate(name: string) {
  const link = await connect(name);
  const kv = async (bucket: string) => {
    const opened = await openBucket(link, { name: bucket, replicas: 1 }, systemClock, signal);
    return natsKv(opened, { clock: systemClock, random: Math.random, onError: () => {} });
  };
  const stream = new NatsEventStream(link, LIMITS);
  let isBlocked = false;
  const eventStream: EventStream = {
    append: (event) =>
      isBlocked ? Promise.reject(new Error('blocked by the test')) : stream.append(event),
    read: (...of) => stream.read(...of),
    bounds: (of) => stream.bounds(of),
    onAppend: (listener) => stream.onAppend(listener),
  };
  const ports = {
    ...{ clock: systemClock, bus: natsBus(link.nc, () => {}), library, log: quiet, eventStream },
    ...{
      state: await kv(BUCKETS.state),
      meta: await kv(BUCKETS.meta),
      lead: await kv(BUCKETS.lead),
    },
    connected: () => link.isConnected(),
    natsVersion: () => '',
    randomBytes: (count: number) => randomBytes(count),
    random: () => 0.5,
    ...{ planned: () => {}, polled: () => {}, happened: () => {} },
  };
  const settings = { ...defaults(library.id), coordinator: name, proveAlone: false, term: TERM };
  const coordinator = new Coordinator(ports, settings);
  stops.push(() => coordinator.stop());
  await coordinator.start();
  const until = (holds: () => boolean) =>
    new Promise<void>((resolve) => {
      const look = () => {
        if (holds()) resolve();
      };
      coordinator.onChange(look);
      look();
    });
  const add = (id: string) =>
    coordinator.orders.addFeeds([
      { url: `http://127.0.0.1:9/${id}`, title: `The ${id}`, bookScore: null, id },
    ]);
  return {
    ...{ coordinator, stream, until, add },
    leads: () => until(() => coordinator.info().leading),
    knows: (id: string) =>
      until(() => [...coordinator.picture().snapshot.feeds.keys()].some((feed) => feed === id)),
    block: () => {
      isBlocked = true;
    },
    die: () => link.nc.close(),
  };
}

/** Follows from the beginning. */
function follower(stream: EventStream) {
  const leaving = new AbortController();
  const events: ArchivedEvent[] = [];
  let looks: (() => void)[] = [];
  const take = async (found: readonly ArchivedEvent[]) => {
    events.push(...found);
    for (const look of looks) look();
  };
  const ended = followEvents(new EventArchive(stream), all, 0, systemClock, take, leaving.signal);
  stops.push(async () => {
    leaving.abort();
    await ended.catch(() => undefined);
  });
  const has = (id: string) => events.some(({ type, feed }) => type === 'feed_added' && feed === id);
  const told = (id: string) =>
    new Promise<void>((resolve) => {
      const look = () => {
        if (has(id)) resolve();
      };
      looks = [...looks, look];
      look();
    });
  return { events, told };
}

const added = (events: readonly ArchivedEvent[]) =>
  events.filter(({ type }) => type === 'feed_added').map(({ feed }) => feed);

test('a leader that dies before it could store what happened leaves it to the next one; each is told once', async () => {
  const one = await coordinate('one');
  await one.leads();
  const two = await coordinate('two');
  const following = follower(two.stream);
  await one.add('alpha');
  await following.told('alpha');
  one.block();
  await one.add('beta');
  await two.knows('beta');
  expect(added(following.events)).toEqual(['alpha']);
  await one.die();
  await two.leads();
  await following.told('beta');
  await two.add('gamma');
  await following.told('gamma');
  expect(added(following.events)).toEqual(['alpha', 'beta', 'gamma']);
  const { events } = await new EventArchive(two.stream).page(all, 0, 1_000, signal);
  expect(new Set(events.map(({ revision, type }) => `${revision} ${type}`)).size).toBe(
    events.length,
  );
  const three = await coordinate('three');
  const seeded = three.coordinator.events.after(0, 100).map(({ type, feed }) => `${type} ${feed}`);
  expect(seeded).toEqual(expect.arrayContaining(['feed_added alpha', 'feed_added gamma']));
}, 15_000);

test('the stream keeps to its limits, takes new ones, and is made anew when somebody deletes it', async () => {
  const link = await connect('limits');
  const { jsm } = await openBucket(link, { name: 'any', replicas: 1 }, systemClock, signal);
  const small = new NatsEventStream(link, { ...LIMITS, bytesMax: 100_000, keepMs: 7_200_000 });
  await Promise.all(Array.from({ length: 1_000 }, (_, i) => storeEvent(small, 1_000_000 + i)));
  const { config, state } = await jsm.streams.info(EVENT_STREAM);
  expect([config.max_bytes, config.max_age]).toEqual([100_000, 7_200_000 * 1e6]);
  expect(state.bytes).toBeLessThanOrEqual(100_000);
  const { first, last } = await small.bounds(signal);
  expect(first).toBeGreaterThan(500);
  const newest = await small.read({ kind: 'after', sequence: 0 }, EVERY_EVENT, 10_000, signal);
  expect([newest[0]?.sequence, newest.at(-1)?.sequence]).toEqual([first, last]);
  await jsm.streams.delete(EVENT_STREAM);
  await expect(storeEvent(small, 1)).rejects.toThrow(/did not answer/);
  await storeEvent(small, 1);
  expect((await small.bounds(signal)).last).toBe(1);
});
