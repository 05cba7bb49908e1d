import { afterEach, beforeEach, expect, test } from 'vitest';
import { startNatsServer, type TestNatsServer } from '../../../../test/support/nats-server.ts';
import { systemClock } from '../clock.ts';
import { type Bucket, openBucket } from './bucket.ts';
import { connectNats, type NatsLink } from './connection.ts';
import { checkStream } from './tail-backstop.ts';

const NOTHING_KNOWN = { verified: 0, heardBefore: -1 };

let nats: TestNatsServer;
let link: NatsLink;
let bucket: Bucket;
beforeEach(async () => {
  nats = await startNatsServer();
  const ports = { clock: systemClock, random: Math.random, listen: () => undefined };
  const signal = AbortSignal.timeout(10_000);
  link = await connectNats(
    { servers: [nats.url], name: 'test', auth: { kind: 'none' } },
    ports,
    signal,
  );
  bucket = await openBucket(link, { name: 'checked', replicas: 1 }, systemClock, signal);
  for (const value of ['a', 'b', 'c']) await bucket.js.publish(`${bucket.prefix}key`, value);
});
afterEach(async () => {
  await link.close();
  await nats.stop();
});

test('deliveries that come while the stream is asked are no sign of an older stream', async () => {
  const cursor = { revision: 3, heard: 3 };
  const from = { created: bucket.created, consumer: 'none' };
  const asked = checkStream(bucket, from, () => ({ ...cursor }), NOTHING_KNOWN);
  cursor.revision = 4;
  expect((await asked).kind).toBe('fine');
});

test('a stream that is behind what was delivered before is an older one', async () => {
  const from = { created: bucket.created, consumer: 'none' };
  const found = await checkStream(bucket, from, () => ({ revision: 4, heard: 4 }), NOTHING_KNOWN);
  expect(found.kind).toBe('rewound');
});
