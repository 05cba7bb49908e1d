import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { createServer, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { agentId } from '@podctl/domain/ids.ts';
import { systemClock } from '@podctl/platform/clock.ts';
import { Agent as HttpAgent } from 'undici';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { returned } from '../../apps/agent/src/core/outcome.ts';
import { Agent } from '../../apps/agent/src/shell/agent.ts';
import { Bandwidth } from '../../apps/agent/src/shell/bandwidth.ts';
import { DiskReserve } from '../../apps/agent/src/shell/disk-reserve.ts';
import { downloadWorker } from '../../apps/agent/src/shell/download.ts';
import { MountedStore } from '../../apps/agent/src/shell/mounted-store.ts';
import { PartFiles } from '../../apps/agent/src/shell/part-files.ts';
import { hostViews } from '../../apps/coordinator/src/core/host-view.ts';
import { CoordinatorWorld, rss } from '../support/coordinator-world.ts';
import { silentLog } from '../support/silent-log.ts';

const AUDIO = new URL('../../examples/sample/the-clockmakers/clock-01.mp3', import.meta.url);
const LIMIT = 3;
const EPISODES = 9;

/** A podcast host that counts how many it serves at a time. */
class PodcastHost {
  readonly arrivals: { readonly path: string; readonly beside: number; readonly atMs: number }[] =
    [];
  readonly #server: Server;
  #open = 0;

  constructor(answer: (response: ServerResponse, arrival: number, host: PodcastHost) => void) {
    this.#server = createServer((request, response) => {
      this.#open += 1;
      response.once('close', () => {
        this.#open -= 1;
      });
      const path = request.url ?? '';
      this.arrivals.push({ path, beside: this.#open, atMs: performance.now() });
      answer(response, this.arrivals.length, this);
    });
  }

  async listen(address: string): Promise<string> {
    this.#server.listen(0, address);
    await once(this.#server, 'listening');
    return `http://${address}:${(this.#server.address() as AddressInfo).port}`;
  }

  most(): number {
    return Math.max(...this.arrivals.map(({ beside }) => beside));
  }

  close(): void {
    this.#server.closeAllConnections();
    this.#server.close();
  }
}

let world: CoordinatorWorld;
let audio: Buffer;
let dispatcher: HttpAgent;
const agents: Agent[] = [];
const hosts: PodcastHost[] = [];
beforeEach(async () => {
  audio = await readFile(AUDIO);
  dispatcher = new HttpAgent();
  world = await CoordinatorWorld.start({
    hosts: {
      ...{ parallelMax: LIMIT, limits: {}, startsPerSecond: 100 },
      ...{ coolDownFirstMs: 100, coolDownMaxMs: 2_000 },
    },
  });
});
afterEach(async () => {
  await Promise.all(agents.splice(0).map((agent) => agent.stop()));
  await world.stop();
  for (const host of hosts.splice(0)) host.close();
  await dispatcher.destroy();
});

async function host(address: string, answer: ConstructorParameters<typeof PodcastHost>[0]) {
  const made = new PodcastHost(answer);
  hosts.push(made);
  return { at: made, url: await made.listen(address) };
}

async function startAgent(name: string): Promise<void> {
  const id = agentId(name);
  if (!id.ok) throw new Error(id.error);
  const limits = {
    ...{ floorBytes: 1_000, bytesMax: 1e8, idleMs: 5_000, totalMs: 10_000, spaceWaitMs: 0 },
    rate: { bytesPerSecondMin: 0, windowMs: 10_000 },
  };
  const store = new MountedStore(world.library, id.value, 0);
  const kept = { ageMsMax: 60_000, bytesMax: 1e8 };
  const parts = new PartFiles({ ...store.parts, clock: systemClock, ...kept });
  const disk = new DiskReserve(() => store.freeBytes(), 0);
  const agent = new Agent({
    bus: world.nats.client(name).bus,
    ...{ clock: systemClock, random: Math.random, log: silentLog },
    identity: {
      ...{ agent: id.value, boot: name, host: name, version: '0', engine: '' },
      slots: { download: 4, transcribe: 0 },
    },
    journal: { open: async () => [], put: async () => {}, remove: async () => {} },
    workProblem: async () => null,
    workers: {
      download: downloadWorker({
        ...{ store, parts, disk, bandwidth: new Bandwidth(systemClock, null) },
        ...{ dispatcher, userAgent: 'podctl-test' },
        ...{ limits, clock: systemClock, agent: id.value, received: () => {} },
      }),
      transcribe: async () => returned('nobody transcribes here'),
      score: async () => returned('nobody scores here'),
    },
    describeEngine: () => '',
    observe: () => {},
  });
  agents.push(agent);
  await agent.start();
}

async function addFeed(id: string, url: string): Promise<void> {
  const body = rss(id, EPISODES).replaceAll('http://127.0.0.1:9/', `${url}/`);
  world.feeds.set(`/${id}`, { status: 200, body });
  await world.coordinator.orders.addFeeds([
    { url: world.url(`/${id}`), title: null, bookScore: null, id },
  ]);
  await world.until(() => world.episodes(id).length === EPISODES);
}

const isDownloaded = (feed: string) =>
  world.episodes(feed).every(({ state }) => state.stages.download.done !== null);

test('two agents look like one client to a host that has enough of them, and another host is not slowed', async () => {
  const told: string[] = [];
  world.told.add((events) => told.push(...events.map(({ type }) => type)));
  const calmAll = Promise.withResolvers<void>();
  const held: ServerResponse[] = [];
  // Its first visitors are let in together; the last of them is one too many.
  const busy = await host('127.0.0.1', (response, arrival) => {
    held.push(response);
    if (arrival > LIMIT) response.end(audio);
    if (arrival !== LIMIT) return;
    response.writeHead(429, { 'retry-after': '1' }).end();
    // They end when the other host has served all: nobody there waited for this one.
    void calmAll.promise.then(() => {
      for (const one of held.slice(0, LIMIT - 1)) one.end(audio);
    });
  });
  const calm = await host('127.0.0.2', (response) => response.end(audio));
  await addFeed('busy', busy.url);
  await addFeed('calm', calm.url);
  await startAgent('a1');
  await startAgent('a2');
  await world.until(() => isDownloaded('calm'));
  const views = hostViews(world.coordinator.picture());
  expect(views).toMatchObject([
    { host: '127.0.0.1', strikes: 1, limitMax: LIMIT, why: expect.stringContaining('(429)') },
    { host: '127.0.0.2', limit: LIMIT, strikes: 0, waiting: 0, feeds: 1 },
  ]);
  // It cools, or its second is over and it may have one: what was let in there runs yet.
  expect([0, 1]).toContain(views[0]?.limit);
  expect(busy.at.arrivals).toHaveLength(LIMIT);
  calmAll.resolve();
  await world.until(() => isDownloaded('busy') && told.includes('host_recovered'));

  expect(busy.at.most()).toBe(LIMIT);
  expect(calm.at.most()).toBeLessThanOrEqual(LIMIT);
  const [first, second] = busy.at.arrivals.slice(LIMIT);
  const refusedMs = busy.at.arrivals[LIMIT - 1]?.atMs ?? 0;
  expect((first?.atMs ?? 0) - refusedMs).toBeGreaterThan(990);
  expect([first?.beside, second?.beside]).toEqual([1, 1]);
  // All came, each once but for the one that was sent away, and no attempt was counted.
  expect(busy.at.arrivals).toHaveLength(EPISODES + 1);
  expect(new Set(busy.at.arrivals.map(({ path }) => path)).size).toBe(EPISODES);
  expect(told.filter((type) => type === 'job_retry' || type === 'job_dead')).toEqual([]);
  expect(told.filter((type) => type === 'host_cooling')).toHaveLength(1);
  expect(hostViews(world.coordinator.picture())[0]).toMatchObject({ limit: LIMIT, strikes: 0 });
});
