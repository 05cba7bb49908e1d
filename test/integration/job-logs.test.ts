import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { credentials } from '@grpc/grpc-js';
import { firstRevision } from '@podctl/domain/first-revision.ts';
import { AGENT_INBOXES, BUCKETS } from '@podctl/domain/key.ts';
import { systemClock } from '@podctl/platform/clock.ts';
import { type FileLibrary, openLibrary } from '@podctl/platform/library/file-library.ts';
import { createLibrary } from '@podctl/platform/library/library-marker.ts';
import { openBucket } from '@podctl/platform/nats/bucket.ts';
import { natsBus } from '@podctl/platform/nats/bus.ts';
import { connectNats, type NatsLink } from '@podctl/platform/nats/connection.ts';
import { natsKv } from '@podctl/platform/nats/kv.ts';
import { JobServiceClient, JobState } from '@podctl/proto/podctl/v1/job.ts';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { GrpcServer } from '../../apps/coordinator/src/api/grpc-server.ts';
import { Coordinator } from '../../apps/coordinator/src/coordinator.ts';
import { AgentDouble } from '../support/agent-double.ts';
import { ask } from '../support/api-bundle.ts';
import { defaults, rss } from '../support/coordinator-world.ts';
import { startNatsServer, type TestNatsServer } from '../support/nats-server.ts';
import { silentLog } from '../support/silent-log.ts';

const { signal } = new AbortController();
const thrown = (error: unknown) => {
  throw error;
};
const ports = { clock: systemClock, random: Math.random, listen: () => undefined, onError: thrown };
const ends: (() => unknown)[] = [];
let nats: TestNatsServer;
let library: FileLibrary;

beforeAll(async () => {
  const folder = await mkdtemp(join(tmpdir(), 'podctl-jobs-'));
  ends.push(() => rm(folder, { recursive: true, force: true }));
  await createLibrary(join(folder, 'library'));
  library = await openLibrary(join(folder, 'library'), null);
  nats = await startNatsServer();
  ends.push(() => nats.stop());
});
afterAll(async () => {
  for (const end of ends.splice(0).reverse()) await end();
});

async function connected(name: string, inboxPrefix?: string): Promise<NatsLink> {
  const prefix = inboxPrefix === undefined ? {} : { inboxPrefix };
  const options = { servers: [nats.url], name, auth: { kind: 'none' }, ...prefix } as const;
  const link = await connectNats(options, ports, signal);
  ends.push(() => link.close());
  return link;
}

/** Another coordinator of the same fleet, over connections of its own. */
async function coordinator(name: string): Promise<Coordinator> {
  const link = await connected(name);
  const kv = async (bucket: string) => {
    const options = { name: bucket, replicas: 1, firstRevision: firstRevision(Date.now()) };
    return natsKv(await openBucket(link, options, systemClock, signal), ports);
  };
  const made = new Coordinator(
    {
      ...{ clock: systemClock, bus: natsBus(link.nc, thrown), library, log: silentLog },
      ...{ state: await kv(BUCKETS.state), meta: await kv(BUCKETS.meta) },
      lead: await kv(BUCKETS.lead),
      ...{ connected: () => link.isConnected(), natsVersion: () => '', random: () => 0.5 },
      randomBytes: (count) => randomBytes(count),
      ...{ planned: () => {}, polled: () => {}, happened: () => {} },
    },
    { ...defaults(library.id), coordinator: name, proveAlone: false },
  );
  await made.start();
  ends.push(() => made.stop());
  return made;
}

async function feedUrl(): Promise<string> {
  const server = createServer((_, response) => response.end(rss('alpha', 1)));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  ends.push(() => server.close());
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
}

async function apiOf(fleet: Coordinator): Promise<JobServiceClient> {
  const nothing = () => undefined;
  const server = new GrpcServer({
    ...{ listen: { host: '127.0.0.1', port: 0 }, fleet, clock: systemClock, security: null },
    ...{ onCall: nothing, onBug: (_: string, error: unknown) => thrown(error) },
    ...{ onAudit: nothing, onRefused: nothing },
  });
  await server.start();
  ends.push(() => server.stop());
  const address = `127.0.0.1:${server.address?.port}`;
  const client = new JobServiceClient(address, credentials.createInsecure());
  ends.push(() => client.close());
  return client;
}

test('at a coordinator that does not lead the lines of a job arrive, and a cancel stops it for good', async () => {
  const leader = await coordinator('c1');
  const follower = await coordinator('c2');
  const link = await connected('a1', `${AGENT_INBOXES}.a1`);
  const agent = new AgentDouble(natsBus(link.nc, thrown), library, 'a1');
  await expect.poll(() => leader.info().leading, { timeout: 5_000 }).toBe(true);
  await agent.hello();
  await leader.orders.addFeeds([
    { url: await feedUrl(), title: null, bookScore: null, id: 'alpha' },
  ]);
  const { job } = await agent.nextStart();
  const jobId = `${job.episode}.download.1`;
  await expect.poll(() => follower.picture().snapshot.locks.size, { timeout: 5_000 }).toBe(1);
  const jobs = await apiOf(follower);
  expect(follower.info().leading).toBe(false);

  const call = jobs.getJobLogs({ jobId: job.episode, tailLines: 0, follow: true });
  const heard = call[Symbol.asyncIterator]();
  agent.say([{ atMs: 1, level: 'info', message: 'download begins', job }]);
  expect((await heard.next()).value).toMatchObject({
    lines: [{ message: 'download begins', agentId: 'a1', token: BigInt(job.token) }],
  });

  const canceled = await ask(jobs.cancelJob.bind(jobs), { jobId });
  expect(canceled).toMatchObject({ job: { jobId, agentId: 'a1', state: JobState.CANCELED } });
  const told = await agent.next((command) => command.kind === 'cancel');
  expect(told).toMatchObject({ job: { token: job.token }, reason: 'canceled by an operator' });
  agent.say([{ atMs: 2, level: 'warn', message: 'download handed back', job }]);
  expect((await heard.next()).value).toMatchObject({
    lines: [{ message: 'download handed back' }],
  });
  expect(await heard.next()).toMatchObject({ done: true });

  const after = await ask(jobs.getJob.bind(jobs), { jobId });
  expect(after).toMatchObject({
    job: { state: JobState.CANCELED, reason: 'canceled by an operator' },
    attempts: [{ state: JobState.CANCELED, agentId: 'a1' }],
  });
});
