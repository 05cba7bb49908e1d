import { headers, type PublishOptions } from '@nats-io/transport-node';
import { systemClock } from '@podctl/platform/clock.ts';
import { type Bucket, openBucket } from '@podctl/platform/nats/bucket.ts';
import { connectNats, type NatsLink } from '@podctl/platform/nats/connection.ts';
import { natsKv } from '@podctl/platform/nats/kv.ts';
import { checkStream } from '@podctl/platform/nats/tail-backstop.ts';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { startNatsServer, type TestNatsServer } from '../support/nats-server.ts';
import { TailRecorder } from './tail-recorder.ts';

const bytes = (text: string) => new TextEncoder().encode(text);
const never = new AbortController().signal;

/** What only a real server can do to a tail, and what is forged in its name. */
describe('the tail of a real server', () => {
  let server: TestNatsServer;
  let link: NatsLink;
  const errors: unknown[] = [];
  const ports = {
    clock: systemClock,
    random: Math.random,
    onError: (error: unknown) => errors.push(error),
  };

  beforeAll(async () => {
    server = await startNatsServer();
    const options = { servers: [server.url], name: 'test', auth: { kind: 'none' } } as const;
    link = await connectNats(options, { ...ports, listen: () => undefined }, never);
  });
  afterAll(async () => {
    await link.close();
    await server.stop();
  });

  const open = (name: string): Promise<Bucket> =>
    openBucket(link, { name, replicas: 1 }, systemClock, never);

  /** Sends to the tail what looks as if its consumer had sent it. */
  const forge = async (bucket: Bucket, options: PublishOptions) => {
    for await (const info of bucket.jsm.consumers.list(bucket.stream)) {
      if (info.push_bound) link.nc.publish(info.config.deliver_subject ?? '', bytes(''), options);
    }
  };

  test('a lost message is noticed by the heartbeat that names it', async () => {
    const bucket = await open('lost');
    const kv = natsKv(bucket, ports);
    const recorder = await TailRecorder.start(kv);
    await recorder.untilCurrent();
    const heartbeat = headers(100, 'Idle Heartbeat');
    heartbeat.set('Nats-Last-Consumer', '1');
    await forge(bucket, { headers: heartbeat });
    await kv.put('a', bytes('1'));
    await recorder.untilRevision(1);
    expect(recorder.shown()).toEqual(['a=1@1']);
    expect(recorder.tail.state().recreated).toBe(1);
    await recorder.tail.stop();
  });

  test('a question whether all was taken in, and a stalled heartbeat, are answered', async () => {
    const bucket = await open('flow');
    const recorder = await TailRecorder.start(natsKv(bucket, ports));
    await recorder.untilCurrent();
    const answered = async (reply: string, options: PublishOptions) => {
      const heard = Promise.withResolvers<void>();
      link.nc.subscribe(reply, { max: 1, callback: () => heard.resolve() });
      await forge(bucket, options);
      await heard.promise;
    };
    const question = headers(100, 'FlowControl Request');
    await answered('flow.one', { headers: question, reply: 'flow.one' });
    const stalled = headers(100, 'Idle Heartbeat');
    stalled.set('Nats-Consumer-Stalled', 'flow.two');
    await answered('flow.two', { headers: stalled });
    expect(recorder.tail.state().recreated).toBe(0);
    await recorder.tail.stop();
  });

  test.concurrent('a tail whose consumer beats and brings nothing finds it out by itself', async () => {
    const bucket = await open('blind');
    const kv = natsKv(bucket, ports);
    const recorder = await TailRecorder.start(kv);
    await recorder.untilCurrent();
    // A paused consumer goes on with its heartbeats.
    for await (const info of bucket.jsm.consumers.list(bucket.stream)) {
      const until = new Date(Date.now() + 600_000);
      await bucket.jsm.consumers.pause(bucket.stream, info.name, until);
    }
    await kv.put('a', bytes('1'));
    await recorder.untilRevision(1);
    expect(recorder.shown()).toEqual(['a=1@1']);
    expect(recorder.tail.state()).toMatchObject({ phase: 'live', recreated: 1 });
    await recorder.tail.stop();
  });

  test.concurrent('the backstop is not misled when the newest revision is gone from the stream', async () => {
    const options = { name: 'vanished', replicas: 1, markerTtlMs: 1_000 } as const;
    const bucket = await openBucket(link, options, systemClock, never);
    const kv = natsKv(bucket, ports);
    await kv.put('a', bytes('1'));
    const witness = await TailRecorder.start(kv);
    await kv.cas('b', 0, bytes('2'), { ttlMs: 1_000 });
    await kv.cas('c', 0, bytes('3'), { ttlMs: 3_000 });
    // b's marker, revision 4, has expired when c's, revision 5, appears.
    await witness.untilRevision(5);
    await witness.tail.stop();
    expect(await kv.get('b')).toBeNull();
    const late = await TailRecorder.start(kv);
    await late.untilCurrent();
    expect(late.shown()).toEqual(['a=1@1', 'c gone@5']);
    let consumer = '';
    for await (const info of bucket.jsm.consumers.list(bucket.stream)) {
      if (info.push_bound) consumer = info.name;
    }
    // As if c's marker had expired too: one less was delivered than the stream counts.
    const cursor = { revision: 4, heard: late.entries.length };
    const from = { created: bucket.created, consumer };
    const found = await checkStream(bucket, from, () => cursor, { verified: 0, heardBefore: -1 });
    expect(found).toEqual({ kind: 'fine', check: { verified: 5, heardBefore: -1 } });
    const gone = { created: bucket.created, consumer: 'gone' };
    const blind = await checkStream(bucket, gone, () => cursor, { verified: 0, heardBefore: -1 });
    expect(blind).toEqual({ kind: 'blind' });
    await late.tail.stop();
  });

  test.concurrent('a tail is current though the newest revision has expired', async () => {
    const options = { name: 'expired', replicas: 1, markerTtlMs: 1_000 } as const;
    const bucket = await openBucket(link, options, systemClock, never);
    const kv = natsKv(bucket, ports);
    await kv.put('a', bytes('1'));
    await kv.cas('b', 0, bytes('2'), { ttlMs: 1_000 });
    const witness = natsKv(await open('witness'), ports);
    const recorder = await TailRecorder.start(witness);
    await witness.cas('w', 0, bytes('1'), { ttlMs: 3_000 });
    await recorder.untilRevision(2);
    await recorder.tail.stop();
    const { state } = await bucket.jsm.streams.info(bucket.stream);
    expect([state.messages, state.last_seq]).toEqual([1, 3]);
    const late = await TailRecorder.start(kv);
    await late.untilCurrent();
    expect(late.shown()).toEqual(['a=1@1']);
    await late.tail.stop();
  });

  test.concurrent('a tail begins anew, and says so, when its bucket was replaced', async () => {
    const bucket = await open('restored');
    const kv = natsKv(bucket, ports);
    for (const key of ['a', 'b', 'c']) await kv.put(key, bytes('old'));
    const recorder = await TailRecorder.start(kv);
    await recorder.untilCurrent();
    await bucket.jsm.streams.delete(bucket.stream);
    const again = natsKv(await open('restored'), ports);
    await again.put('a', bytes('new'));
    await recorder.until(() => recorder.currentAt.length === 2);
    expect(recorder.rewinds).toBe(1);
    expect(recorder.shown().slice(3)).toEqual(['a=new@1']);
    await again.put('b', bytes('new'));
    await recorder.until(() => recorder.newest('b') === 'b=new@2');
    await recorder.tail.stop();
  });
});

describe('a tail that gets no consumer', () => {
  const full = 'authorization { users = [ { user: "c", password: "p" } ] }';
  const noConsumers =
    'authorization { users = [ { user: "c", password: "p", permissions: { publish: { deny: ["$JS.API.CONSUMER.>"] } } } ] }';
  const ports = { clock: systemClock, random: () => 0, onError: () => undefined };

  test('goes on by reading the stream, in order, deletions too, and takes a consumer again when it can', async () => {
    const server = await startNatsServer({ config: full });
    const auth = { kind: 'password', user: 'c', password: 'p' } as const;
    const options = { servers: [server.url], name: 'test', auth };
    const link = await connectNats(options, { ...ports, listen: () => undefined }, never);
    try {
      const bucket = await openBucket(link, { name: 'direct', replicas: 1 }, systemClock, never);
      const kv = natsKv(bucket, ports);
      const first = await kv.put('a', bytes('1'));
      const recorder = await TailRecorder.start(kv);
      await recorder.untilCurrent();
      await server.restart(noConsumers);
      await link.whenConnected(never);
      const second = await kv.put('b', bytes('2'));
      await kv.remove('b', second);
      const last = await kv.put('a', bytes('3'));
      await recorder.untilRevision(last);
      expect(recorder.shown().slice(1)).toEqual([`b gone@${second + 1}`, `a=3@${last}`]);
      await server.restart(full);
      await link.whenConnected(never);
      const after = await kv.put('c', bytes('4'));
      await recorder.untilRevision(after);
      await vi.waitFor(() => expect(recorder.tail.state().phase).toBe('live'), 10_000);
      expect(first).toBeLessThan(second);
      await recorder.tail.stop();
    } finally {
      await link.close();
      await server.stop();
    }
  }, 30_000);
});
