import { setTimeout as wait } from 'node:timers/promises';
import { SERVER_NAMES } from '@podctl/platform/authority/server-names.ts';
import { systemClock } from '@podctl/platform/clock.ts';
import type { KvEntry } from '@podctl/platform/kv.ts';
import { type Bucket, openBucket } from '@podctl/platform/nats/bucket.ts';
import { connectNats, type NatsLink } from '@podctl/platform/nats/connection.ts';
import { natsKv } from '@podctl/platform/nats/kv.ts';
import { afterAll, afterEach, beforeAll, expect, test, vi } from 'vitest';
import { TailRecorder } from '../conformance/tail-recorder.ts';
import {
  coordinatorCredentials,
  type DeployedServer,
  deployedCluster,
  type Keys,
  newKeys,
} from './deploy-nats-server.ts';

const BUCKET = 'tailed';
const WRITES_BEFORE = 50;
const WRITES_AFTER = 300;
const WRITE_EVERY_MS = 20;
const GAP_MS_MAX = 5_000;

const servers: DeployedServer[] = [];
const links: NatsLink[] = [];
const forever = new AbortController().signal;
let keys: Keys;

beforeAll(async () => {
  keys = await newKeys();
});
afterAll(() => keys.remove());
afterEach(async () => {
  await Promise.all(links.splice(0).map((link) => link.close()));
  await Promise.all(servers.splice(0).map((server) => server.stop()));
});

async function connect(to: readonly DeployedServer[], name: string): Promise<NatsLink> {
  const credentials = await coordinatorCredentials(keys);
  const auth = { kind: 'credentials', read: () => credentials } as const;
  const tls = { ca: keys.authority.ca.certPem, servername: SERVER_NAMES.nats };
  const link = await connectNats(
    { servers: to.map(({ url }) => url), name, auth, tls },
    { clock: systemClock, random: Math.random, listen: () => {} },
    forever,
  );
  links.push(link);
  return link;
}

const ports = { clock: systemClock, random: Math.random, onError: () => {} };
const open = (link: NatsLink) =>
  openBucket(link, { name: BUCKET, replicas: 3 }, systemClock, forever);

/** When each revision was delivered, by this process's monotonic clock. */
class TimedRecorder extends TailRecorder {
  readonly atMs = new Map<number, number>();

  override entry(entry: KvEntry): void {
    this.atMs.set(entry.revision, performance.now());
    super.entry(entry);
  }
}

/** The server on which the tail's consumer lives. */
async function consumerNode(bucket: Bucket): Promise<string> {
  for await (const info of bucket.jsm.consumers.list(bucket.stream))
    if (info.push_bound && info.cluster?.leader !== undefined) return info.cluster.leader;
  throw new Error('the tail has no consumer');
}

async function named(name: string): Promise<DeployedServer> {
  for (const server of servers) {
    const varz = (await server.monitor('/varz')) as { readonly server_name: string };
    if (varz.server_name === name) return server;
  }
  throw new Error(`no server is called ${name}`);
}

/** Writes again until it is acknowledged; gives the revision and the time of the acknowledgement. */
async function write(bucket: Bucket, n: number): Promise<{ revision: number; ackedAtMs: number }> {
  const kv = natsKv(bucket, ports);
  for (;;) {
    const written = await kv
      .put(`key-${n % 7}`, new TextEncoder().encode(`${n}`))
      .catch(() => null);
    if (written !== null) return { revision: written, ackedAtMs: performance.now() };
    // The cluster has no leader for a moment: the next try is what one waits for.
    await wait(100);
  }
}

test('a tail misses nothing, keeps the order, and has no gap over 5 s when its consumer’s node is killed', async () => {
  servers.push(...(await deployedCluster(keys)));
  await Promise.all(servers.map((server) => server.start()));
  const tailing = await open(await connect(servers, 'tail'));
  const recorder = new TimedRecorder(natsKv(tailing, ports));
  await recorder.tail.start();
  await recorder.untilCurrent();
  // The servers agree on it, and on who listens, a moment after it was made.
  const node = await vi.waitFor(() => consumerNode(tailing), { timeout: 10_000, interval: 100 });
  const doomed = await named(node);
  const writing = await open(
    await connect(
      servers.filter((server) => server !== doomed),
      'writer',
    ),
  );
  const acked: { revision: number; ackedAtMs: number }[] = [];
  for (let n = 0; n < WRITES_BEFORE; n += 1) acked.push(await write(writing, n));
  const killed = doomed.kill();
  for (let n = 0; n < WRITES_AFTER; n += 1) {
    acked.push(await write(writing, WRITES_BEFORE + n));
    await wait(WRITE_EVERY_MS);
  }
  await killed;
  await recorder.untilRevision(acked.at(-1)?.revision ?? 0);
  const delivered = recorder.entries.map(({ revision }) => revision);
  expect(delivered).toEqual([...delivered].sort((a, b) => a - b));
  expect(new Set(delivered).size).toBe(delivered.length);
  // Each write is to its key's newest value only, and between two of one key lie others: what was written over before
  // the tail came back is the only thing that it may pass over.
  const last = new Map(recorder.entries.map((entry) => [entry.key, entry.revision]));
  const newest = acked.slice(-7).map(({ revision }) => revision);
  expect([...last.values()].sort((a, b) => a - b)).toEqual(newest);
  const gaps = acked.flatMap(({ revision, ackedAtMs }) => {
    const at = recorder.atMs.get(revision);
    return at === undefined ? [] : [at - ackedAtMs];
  });
  // While it was blind it passed over what was written over; what it heard again afterwards is enough to judge by.
  expect(gaps.length).toBeGreaterThan(WRITES_BEFORE + 20);
  expect(Math.max(...gaps)).toBeLessThan(GAP_MS_MAX);
  await recorder.tail.stop();
}, 120_000);
