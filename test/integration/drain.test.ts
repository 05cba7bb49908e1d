import { randomBytes } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type AgentId, agentId } from '@podctl/domain/ids.ts';
import { BUCKETS } from '@podctl/domain/key.ts';
import type { CommandMessage } from '@podctl/domain/protocol.ts';
import { systemClock } from '@podctl/platform/clock.ts';
import { type FileLibrary, openLibrary } from '@podctl/platform/library/file-library.ts';
import { createLibrary } from '@podctl/platform/library/library-marker.ts';
import { type BucketOptions, openBucket } from '@podctl/platform/nats/bucket.ts';
import { natsBus } from '@podctl/platform/nats/bus.ts';
import { connectNats, type NatsLink } from '@podctl/platform/nats/connection.ts';
import { natsKv } from '@podctl/platform/nats/kv.ts';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { Coordinator } from '../../apps/coordinator/src/coordinator.ts';
import { AgentDouble } from '../support/agent-double.ts';
import { defaults, rss } from '../support/coordinator-world.ts';
import { startNatsServer, type TestNatsServer } from '../support/nats-server.ts';

/** It passes when the test says so, on a loaded machine too. */
const DEADLINE_MS = 10 * 60_000;
let wallAheadMs = 0;
const clock = { ...systemClock, wallMs: () => systemClock.wallMs() + wallAheadMs };
const quiet = { info: () => {}, warn: () => {}, error: () => {}, debug: () => {} };
const forever = new AbortController().signal;

let nats: TestNatsServer;
let feeds: Server;
let folder: string;
let library: FileLibrary;
const links: NatsLink[] = [];
const coordinators: Coordinator[] = [];

beforeEach(async () => {
  wallAheadMs = 0;
  nats = await startNatsServer();
  folder = await mkdtemp(join(tmpdir(), 'podctl-drain-'));
  await createLibrary(join(folder, 'library'));
  library = await openLibrary(join(folder, 'library'), null);
  feeds = createServer((request, response) => {
    response.setHeader('content-type', 'application/rss+xml');
    response.end(
      rss(request.url === '/alpha' ? 'alpha' : 'beta', request.url === '/alpha' ? 2 : 1),
    );
  });
  await new Promise<void>((resolve) => feeds.listen(0, '127.0.0.1', resolve));
});
afterEach(async () => {
  await Promise.all(coordinators.splice(0).map((one) => one.stop()));
  await Promise.all(links.splice(0).map((link) => link.close()));
  await nats.stop();
  feeds.closeAllConnections();
  feeds.close();
  await rm(folder, { recursive: true });
});

async function connect(name: string, inboxPrefix?: string): Promise<NatsLink> {
  const auth = { kind: 'none' } as const;
  const ports = { clock: systemClock, random: Math.random, listen: () => {} };
  const options = { servers: [nats.url], name, auth };
  const link = await connectNats(
    inboxPrefix === undefined ? options : { ...options, inboxPrefix },
    ports,
    forever,
  );
  links.push(link);
  return link;
}

async function coordinator(name: string): Promise<Coordinator> {
  const link = await connect(name);
  const kv = async (bucket: string, more: Partial<BucketOptions> = {}) =>
    natsKv(await openBucket(link, { name: bucket, replicas: 1, ...more }, systemClock, forever), {
      ...{ clock, random: Math.random, onError: () => {} },
    });
  const ports = {
    ...{ clock, library, log: quiet, bus: natsBus(link.nc, () => {}) },
    ...{ state: await kv(BUCKETS.state), meta: await kv(BUCKETS.meta) },
    lead: await kv(BUCKETS.lead, { timeoutMs: 1_500 }),
    connected: () => link.isConnected(),
    natsVersion: () => '',
    randomBytes: (count: number) => randomBytes(count),
    ...{ random: Math.random, planned: () => {}, polled: () => {}, happened: () => {} },
  };
  const settings = { ...defaults(library.id), coordinator: name, proveAlone: false };
  const made = new Coordinator(ports, settings);
  coordinators.push(made);
  await made.start();
  return made;
}

async function agent(id: string, downloads: number): Promise<AgentDouble> {
  const { nc } = await connect(id, `_INBOX.agent.${id}`);
  const made = new AgentDouble(
    natsBus(nc, () => {}),
    library,
    id,
  );
  await made.hello({ download: downloads, transcribe: 0 });
  return made;
}

function until(of: Coordinator, holds: () => boolean): Promise<void> {
  if (holds()) return Promise.resolve();
  return new Promise((resolve) => {
    const stop = of.onChange(() => {
      if (!holds()) return;
      stop();
      resolve();
    });
  });
}

const cordonOf = (of: Coordinator, id: AgentId) => of.picture().snapshot.cordons.get(id)?.record;
const isCancel = (command: CommandMessage): command is CommandMessage & { kind: 'cancel' } =>
  command.kind === 'cancel';
const url = (path: string) => `http://127.0.0.1:${(feeds.address() as AddressInfo).port}/${path}`;
const add = (to: Coordinator, id: string) =>
  to.orders.addFeeds([{ url: url(id), title: null, bookScore: null, id }]);

test('a drain outlives its leader: at the deadline the jobs go to another agent, and the drained one idles', async () => {
  const first = await coordinator('c1');
  await until(first, () => first.info().leading);
  const second = await coordinator('c2');
  const old = await agent('gpu-1', 2);
  await add(first, 'alpha');
  const given = [await old.nextStart(), await old.nextStart()];
  const gpu = agentId('gpu-1');
  if (!gpu.ok) throw new Error(gpu.error);

  // Asked of one that does not lead, which passes it on.
  const wish = { kind: 'drain', reason: 'new disk', by: 'ada', deadlineInMs: DEADLINE_MS } as const;
  expect(await second.orders.setCordon(gpu.value, wish)).toMatchObject({
    ...{ changed: true, cordon: { kind: 'draining' } },
  });
  await first.stop();
  await until(second, () => second.info().leading);
  expect(cordonOf(second, gpu.value)).toMatchObject({ kind: 'draining', reason: 'new disk' });
  const other = await agent('gpu-2', 2);

  wallAheadMs = DEADLINE_MS;
  const cancelled = [await old.next(isCancel), await old.next(isCancel)];
  const tokens = (jobs: readonly { job: { token: number } }[]) => jobs.map(({ job }) => job.token);
  expect(tokens(cancelled).sort()).toEqual(tokens(given).sort());
  const again = [await other.nextStart(), await other.nextStart()];
  expect(Math.min(...tokens(again))).toBeGreaterThan(Math.max(...tokens(given)));
  await until(second, () => cordonOf(second, gpu.value)?.kind === 'drained');
  for (const start of again) {
    const episode = second.picture().snapshot.feeds.get(start.job.feed)?.episodes;
    expect(episode?.get(start.job.episode)?.state.stages.download.lock).toMatchObject({
      ...{ state: 'held', agent: 'gpu-2', failures: 0, lostBy: [] },
    });
  }

  // Its process starts anew: it is welcome, and still given nothing, though nobody else has a slot.
  old.isAlive = false;
  const anew = await agent('gpu-1', 2);
  await add(second, 'beta');
  await until(
    second,
    () => second.picture().snapshot.feeds.get('beta' as never)?.episodes.size === 1,
  );
  // Both hear what is told to their name.
  const startsOf = ({ commands, session }: AgentDouble) =>
    commands.filter((command) => command.kind === 'start' && command.session === session);
  expect(startsOf(anew)).toEqual([]);
  await second.orders.setCordon(gpu.value, { kind: 'uncordon', by: 'ada' });
  expect((await anew.nextStart()).job.feed).toBe('beta');
  expect([...startsOf(old), ...startsOf(anew)]).toEqual([]);
});
