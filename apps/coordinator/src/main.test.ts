import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { credentials } from '@grpc/grpc-js';
import { bootstrapVariable, type CoordinatorBootstrap } from '@podctl/platform/bootstrap.ts';
import { type Child, spawnChild } from '@podctl/platform/child/child-process.ts';
import { loadSettings } from '@podctl/platform/config/load.ts';
import type { Endpoint } from '@podctl/platform/endpoint.ts';
import { writeJsonFile } from '@podctl/platform/json-file.ts';
import { type AddFeedsResponse, FeedServiceClient } from '@podctl/proto/podctl/v1/feed.ts';
import { FleetServiceClient, type GetServerInfoResponse } from '@podctl/proto/podctl/v1/fleet.ts';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { startNatsServer, type TestNatsServer } from '../../../test/support/nats-server.ts';

const MAIN = fileURLToPath(new URL('./main.ts', import.meta.url));

let folder: string;
let nats: TestNatsServer;
const children: Child[] = [];

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'podctl-coordinator-'));
  nats = await startNatsServer();
});

afterEach(async () => {
  for (const child of children.splice(0)) await child.stop({ graceMs: 0 });
  await nats.stop();
  await rm(folder, { recursive: true, force: true });
});

/** Starts a coordinator's process, and resolves when it has said that it is ready. */
async function coordinator(name: string, own: Partial<CoordinatorBootstrap> = {}) {
  const settings = await loadSettings({ file: null, dataDir: folder, version: '0' });
  const endpointFile = join(folder, `${name}-endpoint.json`);
  const bootstrap: CoordinatorBootstrap = {
    settings,
    nats: { servers: [nats.url], as: { kind: 'nobody' }, ca: null },
    libraryRoot: join(folder, 'library'),
    stateDir: join(folder, name),
    grpcListen: { host: '127.0.0.1', port: 0 },
    bytesListen: null,
    httpListen: { host: '127.0.0.1', port: 0 },
    security: null,
    metricsTokenFile: null,
    endpointFile,
    proveAlone: false,
    ...own,
  };
  const path = join(folder, `${name}.json`);
  await writeJsonFile(path, bootstrap);
  const ready = Promise.withResolvers<void>();
  const said: string[] = [];
  const child = await spawnChild({
    name,
    command: process.execPath,
    args: [MAIN],
    tie: 'node',
    env: { ...process.env, [bootstrapVariable('coordinator')]: path },
    stdout: 'log',
    log: (line) => {
      said.push(line);
      if (line.includes('"ready"')) ready.resolve();
    },
  });
  children.push(child);
  const exit = child.exited.then((how) => {
    ready.reject(new Error(said.join('\n')));
    return how;
  });
  return { child, exit, ready: ready.promise, said, endpointFile };
}

async function endpointOf(path: string): Promise<Endpoint> {
  return JSON.parse(await readFile(path, 'utf8')) as Endpoint;
}

function serverInfo(address: string): Promise<GetServerInfoResponse> {
  const client = new FleetServiceClient(address, credentials.createInsecure());
  return new Promise((resolve, reject) => {
    client.getServerInfo({}, (error, response) => {
      client.close();
      if (error === null) resolve(response);
      else reject(error);
    });
  });
}

test('a coordinator serves its API, its health and its figures, and stops at TERM with 0', async () => {
  const one = await coordinator('one');
  await one.ready;
  const { grpc, http } = await endpointOf(one.endpointFile);
  expect(await serverInfo(grpc)).toMatchObject({ version: '0.1.0', natsVersion: '2.15.1' });
  expect((await fetch(`http://${http}/livez`)).status).toBe(200);
  expect((await fetch(`http://${http}/readyz?verbose`)).status).toBe(200);
  const page = await fetch(`http://${http}/metrics`);
  const text = await page.text();
  expect(page.status, text).toBe(200);
  for (const row of [
    'podctl_build_info{version="0.1.0"',
    'podctl_nats_connected{component="coordinator"} 1',
    'podctl_leader ',
    'podctl_feeds_stalled 0',
    'podctl_tail_revision',
    'podctl_library_online 1',
    'podctl_search_indexed_episodes 0',
    'podctl_search_behind_episodes 0',
    'podctl_grpc_handled_total{method="GetServerInfo",code="OK"} 1',
  ])
    expect(text).toContain(row);
  await one.child.stop({ graceMs: 8_000 });
  expect(await one.exit).toMatchObject({ code: 0 });
});

test('a second coordinator leads at once when the first is stopped politely', async () => {
  const one = await coordinator('one');
  await one.ready;
  const two = await coordinator('two');
  await two.ready;
  const before = await serverInfo((await endpointOf(two.endpointFile)).grpc);
  expect(before.leading).toBe(false);
  const beganAtMs = performance.now();
  await one.child.stop({ graceMs: 8_000 });
  let info = before;
  while (!info.leading) info = await serverInfo((await endpointOf(two.endpointFile)).grpc);
  // Well below the key's 6 s to live: it was handed over.
  expect(performance.now() - beganAtMs).toBeLessThan(4_000);
  expect(info.epoch).toBeGreaterThan(before.epoch);
});

test('a second request to stop ends it at once, though NATS does not answer', async () => {
  const one = await coordinator('one');
  await one.ready;
  // Only a leader has something to tell NATS when it stops.
  while (!(await serverInfo((await endpointOf(one.endpointFile)).grpc)).leading);
  const server = await pidOf(join(dirname(nats.storeFolder), 'server.conf'));
  process.kill(server, 'SIGSTOP');
  try {
    process.kill(one.child.pid, 'SIGTERM');
    // Two presses of a person: closer ones are one request.
    await delay(600);
    expect(one.child.running).toBe(true);
    const beganAtMs = performance.now();
    process.kill(one.child.pid, 'SIGTERM');
    expect(await one.exit).toMatchObject({ code: 0 });
    expect(performance.now() - beganAtMs).toBeLessThan(1_500);
  } finally {
    process.kill(server, 'SIGCONT');
  }
});

/** Of the nats-server with this configuration. */
async function pidOf(configPath: string): Promise<number> {
  for (const pid of (await readdir('/proc')).filter((name) => /^\d+$/.test(name))) {
    const [program = '', ...args] = (
      await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '')
    ).split('\0');
    if (program.endsWith('nats-server') && args.includes(configPath)) return Number(pid);
  }
  throw new Error(`no nats-server runs with ${configPath}`);
}

test.each(['http', 'grpc'] as const)(
  'a taken %s port is one sentence that names the setting, and exit 1',
  async (kind) => {
    const one = await coordinator('one');
    await one.ready;
    const endpoint = await endpointOf(one.endpointFile);
    const taken = { host: '127.0.0.1', port: Number(endpoint[kind].split(':').at(-1)) };
    const two = await coordinator('two', { [`${kind}Listen`]: taken });
    two.ready.catch(() => {});
    expect(await two.exit).toMatchObject({ code: 1 });
    expect(two.said.join('\n')).toContain(`coordinator.${kind}.listen`);
  },
);

test('a NATS that refuses the credentials is one sentence, and exit 1', async () => {
  const secured = await startNatsServer({
    config: 'authorization { users = [ { user: "podctl", password: "right" } ] }',
  });
  try {
    const as = { kind: 'password', user: 'podctl', password: 'wrong' } as const;
    const one = await coordinator('one', { nats: { servers: [secured.url], as, ca: null } });
    one.ready.catch(() => {});
    expect(await one.exit).toMatchObject({ code: 1 });
    expect(one.said.join('\n')).toContain('refused the credentials');
    expect(one.said.join('\n')).not.toContain('at async');
  } finally {
    await secured.stop();
  }
});

test.each(['grpc', 'http', 'bytes'] as const)(
  'without keys of the fleet %s beyond loopback is one sentence that names the setting, and exit 2',
  async (kind) => {
    const open = { [`${kind}Listen`]: { host: '0.0.0.0', port: 0 } };
    const one = await coordinator('one', open);
    one.ready.catch(() => {});
    expect(await one.exit).toMatchObject({ code: 2 });
    const [line = ''] = one.said;
    expect(JSON.parse(line)).toMatchObject({
      msg: expect.stringMatching(new RegExp(`^coordinator.${kind}.listen is 0.0.0.0:0, .*init`)),
    });
  },
);

test('what is asked of a coordinator that does not lead is done by the one that does', async () => {
  const one = await coordinator('one');
  await one.ready;
  const two = await coordinator('two');
  await two.ready;
  const { grpc } = await endpointOf(two.endpointFile);
  expect((await serverInfo(grpc)).leading).toBe(false);
  const feeds = new FeedServiceClient(grpc, credentials.createInsecure());
  try {
    const feed = { url: 'http://127.0.0.1:9/feed.xml', title: 'A show', feedId: '' };
    const request = { feeds: [{ ...feed, bookScore: undefined }] };
    const { feeds: added } = await new Promise<AddFeedsResponse>((resolve, reject) =>
      feeds.addFeeds(request, (error, response) => (error ? reject(error) : resolve(response))),
    );
    expect(added).toMatchObject([{ feedId: 'a-show' }]);
  } finally {
    feeds.close();
  }
});
