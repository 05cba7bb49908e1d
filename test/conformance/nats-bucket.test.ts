import { systemClock } from '@podctl/platform/clock.ts';
import { type Bucket, openBucket } from '@podctl/platform/nats/bucket.ts';
import { connectNats, type NatsLink } from '@podctl/platform/nats/connection.ts';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { startNatsServer, type TestNatsServer } from '../support/nats-server.ts';

const never = new AbortController().signal;

/** What only a real server can do to a bucket. */
describe('a bucket on the nats-server', () => {
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

  test('keeps one revision of a key on file, gives no stale reads, and leaves markers', async () => {
    const bucket = await open('rules');
    const { config } = await bucket.jsm.streams.info(bucket.stream);
    expect(config).toMatchObject({
      subjects: ['$KV.rules.>'],
      storage: 'file',
      max_msgs_per_subject: 1,
      discard: 'new',
      allow_direct: false,
      deny_delete: true,
      allow_rollup_hdrs: true,
      allow_msg_ttl: true,
      num_replicas: 1,
    });
    expect(config.subject_delete_marker_ttl).toBeGreaterThanOrEqual(1e9);
  });

  test('is opened as it is when an operator changed its markers', async () => {
    const first = await open('changed');
    await first.jsm.streams.update(first.stream, { subject_delete_marker_ttl: 5e9 });
    expect((await open('changed')).created).toBe(first.created);
  });

  test('that was made by other rules is refused, naming the rule', async () => {
    const { jsm } = await open('any');
    await jsm.streams.add({ name: 'KV_other', subjects: ['$KV.other.>'], storage: 'memory' });
    await expect(open('other')).rejects.toThrow(/bucket other has storage = "memory" where "file"/);
  });

  test('that cannot be opened in time, or is no longer wanted, rejects', async () => {
    const stop = AbortSignal.abort(new Error('stopping'));
    const opening = openBucket(link, { name: 'x', replicas: 1 }, systemClock, stop);
    await expect(opening).rejects.toThrow('stopping');
    const late = { name: 'y', replicas: 3, openWithinMs: 100 } as const;
    await expect(openBucket(link, late, systemClock, never)).rejects.toThrow(/open bucket y/);
  });
});
