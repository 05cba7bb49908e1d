import { randomInt } from 'node:crypto';
import { PermissionViolationError } from '@nats-io/transport-node';
import { systemClock } from '@podctl/platform/clock.ts';
import { type Bucket, openBucket } from '@podctl/platform/nats/bucket.ts';
import { connectNats, type NatsLink } from '@podctl/platform/nats/connection.ts';
import { natsKv } from '@podctl/platform/nats/kv.ts';
import { afterEach, expect, test, vi } from 'vitest';
import {
  AGENT,
  COORDINATOR,
  type DeployedServer,
  deployedCluster,
  deployedServer,
  freePorts,
} from './deploy-nats-server.ts';

const servers: DeployedServer[] = [];
const links: NatsLink[] = [];
const forever = new AbortController().signal;

afterEach(async () => {
  await Promise.all(links.splice(0).map((link) => link.close()));
  await Promise.all(servers.splice(0).map((server) => server.stop()));
});

async function single(): Promise<DeployedServer> {
  const [clientPort = 0, monitorPort = 0] = await freePorts(2);
  const ports = { clientPort, monitorPort, routePort: 0, routePorts: [] };
  const server = await deployedServer({ file: 'single.conf', ...ports });
  servers.push(server);
  await server.start();
  return server;
}

async function threeReplicas(): Promise<DeployedServer[]> {
  const made = await deployedCluster();
  servers.push(...made);
  await Promise.all(made.map((server) => server.start()));
  return made;
}

async function connect(to: readonly DeployedServer[], auth: typeof COORDINATOR): Promise<NatsLink> {
  const link = await connectNats(
    {
      servers: to.map(({ url }) => url),
      name: 'test',
      auth: { kind: 'password', ...auth },
    },
    { clock: systemClock, random: () => randomInt(1_000) / 1_000, listen: () => {} },
    forever,
  );
  links.push(link);
  return link;
}

const kvOf = (bucket: Bucket) =>
  natsKv(bucket, { clock: systemClock, random: () => 0.5, onError: () => {} });
const bytes = (text: string) => new TextEncoder().encode(text);

test('single.conf is a server with JetStream on disk that syncs each write, and monitoring on loopback', async () => {
  const server = await single();
  const link = await connect([server], COORDINATOR);
  const bucket = await openBucket(link, { name: 'b', replicas: 1 }, systemClock, forever);
  expect(await kvOf(bucket).cas('key', 0, bytes('1'))).toEqual({ kind: 'written', revision: 1 });
  expect(await server.monitor('/healthz')).toEqual({ status: 'ok' });
  expect(await server.monitor('/jsz?config=1')).toMatchObject({
    config: { sync_always: true, max_storage: 256 * 2 ** 20 },
    streams: 1,
  });
});

test('nobody gets in without a password, and an agent may neither write a bucket nor speak for another agent', async () => {
  const server = await single();
  await expect(connect([server], { ...COORDINATOR, password: 'wrong' })).rejects.toThrow('refused');
  const link = await connect([server], COORDINATOR);
  await openBucket(link, { name: 'b', replicas: 1 }, systemClock, forever);
  const heard: string[] = [];
  link.nc.subscribe('>', { callback: (_error, { subject }) => void heard.push(subject) });
  await link.nc.flush();
  const { nc } = await connect([server], AGENT);
  const refused: string[] = [];
  const watching = (async () => {
    for await (const status of nc.status())
      if (status.type === 'error' && status.error instanceof PermissionViolationError)
        refused.push(status.error.subject);
  })();
  for (const subject of ['$KV.b.key', '$JS.API.STREAM.PURGE.KV_b', 'hb.gpu-2', 'hb.gpu-1'])
    nc.publish(subject);
  await nc.flush();
  await link.nc.flush();
  await nc.close();
  await watching;
  expect(refused).toEqual(['$KV.b.key', '$JS.API.STREAM.PURGE.KV_b', 'hb.gpu-2']);
  expect(heard).toEqual(['hb.gpu-1']);
});

test('the three cluster files agree on one leader, replicate a bucket, and outlive the loss of its leader', async () => {
  const three = await threeReplicas();
  const link = await connect(three, COORDINATOR);
  const bucket = await openBucket(link, { name: 'b', replicas: 3 }, systemClock, forever);
  const kv = kvOf(bucket);
  const first = await kv.cas('key', 0, bytes('1'));
  expect(first).toEqual({ kind: 'written', revision: 1 });
  const { config, cluster } = await bucket.jsm.streams.info(bucket.stream);
  expect(config.num_replicas).toBe(3);
  expect(cluster?.replicas?.length).toBe(2);
  await vi.waitFor(async () => {
    const leaders = await Promise.all(three.map(metaLeader));
    expect(new Set(leaders).size).toBe(1);
    expect(leaders[0]).toMatch(/^podctl-nats-[123]$/);
  }, 20_000);

  const leader = Number(cluster?.leader?.at(-1)) - 1;
  await three[leader]?.kill();
  const left = await connect(
    three.filter((_, i) => i !== leader),
    COORDINATOR,
  );
  const again = await openBucket(left, { name: 'b', replicas: 3 }, systemClock, forever);
  await vi.waitFor(
    async () => {
      const entry = await kvOf(again).get('key');
      expect(entry).toMatchObject({ kind: 'value', revision: 1, value: bytes('1') });
      const written = await kvOf(again).cas('after', 0, bytes('2'));
      expect(written.kind).not.toBe('unknown');
    },
    { timeout: 40_000, interval: 250 },
  );

  await three[leader]?.start();
  await vi.waitFor(
    async () => expect(await three[leader]?.monitor('/healthz')).toEqual({ status: 'ok' }),
    { timeout: 20_000, interval: 250 },
  );
}, 120_000);

test('a server that does not know the password of the routes is not let in', async () => {
  const [a = 0, b = 0, c = 0, d = 0, e = 0, f = 0] = await freePorts(6);
  const inside = await deployedServer({
    file: 'cluster-1.conf',
    ...{ clientPort: a, monitorPort: b, routePort: c, routePorts: [f] },
  });
  const stranger = await deployedServer(
    { file: 'cluster-2.conf', clientPort: d, monitorPort: e, routePort: f, routePorts: [c] },
    'another0password',
  );
  servers.push(inside, stranger);
  await inside.start();
  await stranger.start();
  await vi.waitFor(
    () => expect(inside.log.join('\n')).toMatch(/rid:\d+ - authentication error/),
    10_000,
  );
  expect(await inside.monitor('/routez')).toMatchObject({ num_routes: 0 });
});

async function metaLeader(server: DeployedServer): Promise<unknown> {
  const answer = await server.monitor('/jsz');
  const meta = typeof answer === 'object' && answer !== null && 'meta_cluster' in answer;
  return meta ? (answer.meta_cluster as { leader?: string }).leader : undefined;
}
