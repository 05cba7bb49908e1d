import { PermissionViolationError } from '@nats-io/transport-node';
import type { AgentId } from '@podctl/domain/ids.ts';
import { SERVER_NAMES } from '@podctl/platform/authority/server-names.ts';
import { systemClock } from '@podctl/platform/clock.ts';
import { type Bucket, openBucket } from '@podctl/platform/nats/bucket.ts';
import { connectNats, type NatsAuth, type NatsLink } from '@podctl/platform/nats/connection.ts';
import { natsKv } from '@podctl/platform/nats/kv.ts';
import { afterAll, afterEach, beforeAll, expect, test, vi } from 'vitest';
import { NATS_FILES } from '../../apps/cli/src/init/nats-files.ts';
import {
  agentCredentials,
  coordinatorCredentials,
  type DeployedServer,
  deployedCluster,
  deployedServer,
  type Keys,
  newKeys,
  ownAddresses,
} from './deploy-nats-server.ts';

/** The folders that `podctl coordinator init` makes for NATS servers, as deploy/nats/README.md tells to start them. */
let keys: Keys;
const servers: DeployedServer[] = [];
const links: NatsLink[] = [];
const forever = new AbortController().signal;
const AGENT = 'gpu-1' as AgentId;

beforeAll(async () => {
  keys = await newKeys();
});
afterEach(async () => {
  await Promise.all(links.splice(0).map((link) => link.close()));
  await Promise.all(servers.splice(0).map((server) => server.stop()));
});
afterAll(() => keys.remove());

async function single(): Promise<DeployedServer> {
  const [host = ''] = ownAddresses(1);
  const server = await deployedServer(keys, host);
  servers.push(server);
  await server.start();
  return server;
}

async function threeReplicas(): Promise<DeployedServer[]> {
  const made = await deployedCluster(keys);
  servers.push(...made);
  await Promise.all(made.map((server) => server.start()));
  return made;
}

const shown = (credentials: string): NatsAuth => ({ kind: 'credentials', read: () => credentials });

async function connect(to: readonly DeployedServer[], auth?: NatsAuth): Promise<NatsLink> {
  const link = await connectNats(
    {
      servers: to.map(({ url }) => url),
      name: 'test',
      auth: auth ?? shown(await coordinatorCredentials(keys)),
      tls: { ca: keys.authority.ca.certPem, servername: SERVER_NAMES.nats },
    },
    { clock: systemClock, random: Math.random, listen: () => undefined },
    forever,
  );
  links.push(link);
  return link;
}

const kvOf = (bucket: Bucket) =>
  natsKv(bucket, { clock: systemClock, random: () => 0.5, onError: () => {} });
const bytes = (text: string) => new TextEncoder().encode(text);

test('one server keeps JetStream on disk, syncs each write, and shows its monitoring on loopback', async () => {
  const server = await single();
  const link = await connect([server]);
  const bucket = await openBucket(link, { name: 'b', replicas: 1 }, systemClock, forever);
  expect(await kvOf(bucket).cas('key', 0, bytes('1'))).toEqual({ kind: 'written', revision: 1 });
  expect(await server.monitor('/healthz')).toEqual({ status: 'ok' });
  expect(await server.monitor('/jsz?config=1')).toMatchObject({
    config: { sync_always: true, max_storage: 8 * 2 ** 30 },
    streams: 1,
  });
});

test('nobody gets in without a credential, and an agent may neither write a bucket nor speak for another agent', async () => {
  const server = await single();
  await expect(connect([server], { kind: 'none' })).rejects.toThrow('refused');
  const others = await newKeys();
  const stranger = shown(await coordinatorCredentials(others));
  await others.remove();
  await expect(connect([server], stranger)).rejects.toThrow('refused');
  const link = await connect([server]);
  await openBucket(link, { name: 'b', replicas: 1 }, systemClock, forever);
  const heard: string[] = [];
  link.nc.subscribe('>', { callback: (_error, { subject }) => void heard.push(subject) });
  await link.nc.flush();
  const { nc } = await connect([server], shown(await agentCredentials(keys, AGENT)));
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

test('three servers agree on one leader, replicate a bucket, and outlive the loss of its leader', async () => {
  const three = await threeReplicas();
  const link = await connect(three);
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
  const left = await connect(three.filter((_, i) => i !== leader));
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

test('a server without the password of the routes is not let in, though the CA signed its certificate', async () => {
  const peers = ownAddresses(2);
  const [inside, stranger] = await twoOf(peers, keys);
  // What an agent could do at most: it has a certificate of the CA for itself.
  await stranger.edit(NATS_FILES.routes, (text) => text.replaceAll(/[0-9a-f]{64}/g, 'another'));
  await inside.start();
  await stranger.start();
  await vi.waitFor(
    () => expect(inside.log.join('\n')).toMatch(/rid:\d+ - authentication error/),
    10_000,
  );
  expect(await inside.monitor('/routez')).toMatchObject({ num_routes: 0 });
});

test('a server of another fleet is not let in', async () => {
  const others = await newKeys();
  const [inside, stranger] = await twoOf(ownAddresses(2), keys, others);
  await others.remove();
  await inside.start();
  await stranger.start();
  await vi.waitFor(
    () => expect(inside.log.join('\n')).toMatch(/TLS route handshake error.*certificate/),
    10_000,
  );
  expect(await inside.monitor('/routez')).toMatchObject({ num_routes: 0 });
});

async function twoOf(
  peers: readonly string[],
  of: Keys,
  ofSecond: Keys = of,
): Promise<[DeployedServer, DeployedServer]> {
  const [a = '', b = ''] = peers;
  const two: [DeployedServer, DeployedServer] = [
    await deployedServer(of, a, peers),
    await deployedServer(ofSecond, b, peers),
  ];
  servers.push(...two);
  return two;
}

async function metaLeader(server: DeployedServer): Promise<unknown> {
  const answer = await server.monitor('/jsz');
  const meta = typeof answer === 'object' && answer !== null && 'meta_cluster' in answer;
  return meta ? (answer.meta_cluster as { leader?: string }).leader : undefined;
}
