import { systemClock } from '@podctl/platform/clock.ts';
import { openBucket } from '@podctl/platform/nats/bucket.ts';
import { keysIn, loadKeys, openForLoad } from '@podctl/platform/nats/bulk-load.ts';
import { connectNats, type NatsLink } from '@podctl/platform/nats/connection.ts';
import { natsKv } from '@podctl/platform/nats/kv.ts';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { startNatsServer, type TestNatsServer } from '../support/nats-server.ts';

const FIRST = 5_970_240_000_000;
const ports = { clock: systemClock, random: Math.random, onError: () => undefined };
const { signal } = new AbortController();
const options = { name: 'loaded', replicas: 1, firstRevision: FIRST };
let server: TestNatsServer;
let link: NatsLink;

beforeEach(async () => {
  server = await startNatsServer();
  const access = { servers: [server.url], name: 'load', auth: { kind: 'none' } } as const;
  link = await connectNats(access, { ...ports, listen: () => undefined }, signal);
});
afterEach(async () => {
  await link.close();
  await server.stop();
});

const value = (n: number) => new TextEncoder().encode(`value ${n}`);
const keysOf = (count: number) =>
  Array.from({ length: count }, (_, n) => ({ key: `job.a.${n}`, value: value(n) }));

test('a bucket that never held a key is made anew, and its revisions begin where they should', async () => {
  await openBucket(link, { name: 'loaded', replicas: 1 }, systemClock, signal);
  const bucket = await openForLoad(link, options, systemClock, signal);
  await loadKeys(bucket, keysOf(500));
  await loadKeys(bucket, keysOf(1));
  await loadKeys(bucket, []);
  expect(await keysIn(bucket)).toBe(500);
  const kv = natsKv(bucket, ports);
  expect(await kv.get('job.a.499')).toMatchObject({ revision: FIRST + 499, value: value(499) });
  expect(await kv.get('job.a.0')).toMatchObject({ revision: FIRST + 500 });
});

test('its revisions go on after a restart of the server, also when it is opened with another first revision', async () => {
  await loadKeys(await openForLoad(link, options, systemClock, signal), keysOf(2));
  await server.restart();
  await link.whenConnected(signal);
  const bucket = await openBucket(link, { ...options, firstRevision: 7 }, systemClock, signal);
  expect(await natsKv(bucket, ports).cas('b', 0, value(0))).toEqual({
    kind: 'written',
    revision: FIRST + 2,
  });
});

test('a bucket that holds a key keeps it', async () => {
  const found = await openBucket(link, { name: 'loaded', replicas: 1 }, systemClock, signal);
  await natsKv(found, ports).put('a', value(1));
  const bucket = await openForLoad(link, options, systemClock, signal);
  await loadKeys(bucket, keysOf(2));
  expect(await keysIn(bucket)).toBe(3);
  expect(await natsKv(bucket, ports).get('a')).toMatchObject({ revision: 1 });
});
