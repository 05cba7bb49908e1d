import { randomBytes } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { BUCKETS } from '@podctl/domain/key.ts';
import type { Stage } from '@podctl/domain/stage.ts';
import { systemClock } from '@podctl/platform/clock.ts';
import { openLibrary } from '@podctl/platform/library/file-library.ts';
import { createLibrary } from '@podctl/platform/library/library-marker.ts';
import { MemoryNats } from '@podctl/platform/twin/memory-nats.ts';
import { Agent } from 'undici';
import { Coordinator } from '../../apps/coordinator/src/coordinator.ts';
import type { FleetEvent } from '../../apps/coordinator/src/core/event.ts';
import type { EpisodeRow } from '../../apps/coordinator/src/core/snapshot.ts';
import type { CoordinatorSettings } from '../../apps/coordinator/src/settings.ts';
import type { Logger } from '../../apps/coordinator/src/shell/logger.ts';
import { AgentDouble } from './agent-double.ts';

const quiet = { info: () => {}, warn: () => {}, error: () => {}, debug: () => {} };

export interface ServedFeed {
  readonly status: number;
  readonly body: string;
  readonly etag?: string;
  readonly headers?: { readonly [name: string]: string };
  /** Its answer waits for this. */
  readonly held?: Promise<void>;
}

/** A coordinator on a memory twin of NATS, with a real library on disk and a real feed host. */
export class CoordinatorWorld {
  readonly nats: MemoryNats;
  readonly coordinator: Coordinator;
  readonly library: Awaited<ReturnType<typeof openLibrary>>;
  readonly feeds = new Map<string, ServedFeed>();
  readonly requests: { path: string; etag: string | undefined }[] = [];
  /** Told of what happens, as the metrics are. */
  readonly told = new Set<(events: readonly FleetEvent[]) => void>();
  readonly #folder: string;
  readonly #server: Server;
  #clients = 0;

  private constructor(
    folder: string,
    server: Server,
    library: CoordinatorWorld['library'],
    settings: Partial<CoordinatorSettings>,
    log: Logger,
  ) {
    this.#folder = folder;
    this.#server = server;
    this.library = library;
    this.nats = new MemoryNats(systemClock, {
      onError: (error) => {
        throw error;
      },
    });
    const client = this.nats.client('coordinator');
    const ports = {
      clock: systemClock,
      bus: client.bus,
      state: client.kv(BUCKETS.state),
      meta: client.kv(BUCKETS.meta),
      lead: client.kv(BUCKETS.lead),
      library,
      log,
      connected: () => client.reachesServer,
      natsVersion: () => 'twin',
      randomBytes: (count: number) => randomBytes(count),
      random: () => 0.5,
      planned: () => {},
      polled: () => {},
      happened: (events: readonly FleetEvent[]) => {
        for (const told of this.told) told(events);
      },
    };
    this.coordinator = new Coordinator(ports, { ...defaults(library.id), ...settings });
  }

  static async start(
    settings: Partial<CoordinatorSettings> = {},
    log: Logger = quiet,
  ): Promise<CoordinatorWorld> {
    const folder = await mkdtemp(join(tmpdir(), 'podctl-coordinator-'));
    await createLibrary(join(folder, 'library'));
    const library = await openLibrary(join(folder, 'library'), null);
    let world: CoordinatorWorld | null = null;
    const server = createServer(async (request, response) => {
      const path = request.url ?? '';
      const etag = request.headers['if-none-match'];
      world?.requests.push({ path, etag });
      const feed = world?.feeds.get(path);
      await feed?.held;
      const unchanged = feed?.etag !== undefined && feed.etag === etag;
      response.writeHead(unchanged ? 304 : (feed?.status ?? 404), {
        'content-type': 'application/rss+xml',
        ...(feed?.etag === undefined ? {} : { etag: feed.etag }),
        ...feed?.headers,
      });
      response.end(unchanged ? '' : (feed?.body ?? ''));
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    world = new CoordinatorWorld(folder, server, library, settings, log);
    await world.coordinator.start();
    await world.until(() => world?.coordinator.info().leading === true);
    return world;
  }

  async stop(): Promise<void> {
    await this.coordinator.stop();
    this.nats.stop();
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
    await rm(this.#folder, { recursive: true, force: true });
  }

  url(path: string): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}${path}`;
  }

  /** Serves a feed of so many episodes and adds it. */
  async addFeed(id: string, episodes: number, body = rss(id, episodes)): Promise<void> {
    this.feeds.set(`/${id}`, { status: 200, body });
    await this.coordinator.orders.addFeeds([
      { url: this.url(`/${id}`), title: null, bookScore: null, id },
    ]);
    await this.until(() => this.episodes(id).length === episodes);
  }

  agent(id: string): AgentDouble {
    this.#clients += 1;
    return new AgentDouble(this.nats.client(`${id}-${this.#clients}`).bus, this.library, id);
  }

  episodes(feed: string): EpisodeRow[] {
    const rows = this.coordinator.picture().snapshot.feeds;
    return [...rows.values()]
      .filter(({ id }) => id === feed)
      .flatMap(({ episodes }) => [...episodes.values()]);
  }

  lock(feed: string, stage: Stage, index = 0) {
    return this.episodes(feed)[index]?.state.stages[stage].lock;
  }

  /** Resolves as soon as the claim holds, looked at after each change. The test's own time limit ends it. */
  until(holds: () => boolean): Promise<void> {
    if (holds()) return Promise.resolve();
    return new Promise((resolve) => {
      const stop = this.coordinator.onChange(() => {
        if (!holds()) return;
        stop();
        resolve();
      });
    });
  }
}

export function rss(id: string, episodes: number): string {
  const items = Array.from(
    { length: episodes },
    (_, i) =>
      `<item><guid>${id}-${i}</guid><title>Part ${i}</title><pubDate>Mon, 05 Jan 2026 10:00:00 GMT</pubDate><enclosure url="http://127.0.0.1:9/${id}/${i}.mp3" type="audio/mpeg" length="1"/></item>`,
  );
  return `<?xml version="1.0"?><rss version="2.0"><channel><title>The ${id} show</title>${items.join('')}</channel></rss>`;
}

export function defaults(libraryId: string): CoordinatorSettings {
  return {
    coordinator: 'c1',
    version: '0',
    address: () => '127.0.0.1:1',
    proveAlone: true,
    libraryId,
    term: { ttlMs: 6_000, renewEveryMs: 2_000, marginMs: 1_000, pollEveryMs: 2_000, retryMs: 50 },
    plan: {
      downloadsMax: 30,
      transcribersMax: 'auto',
      multiWorkerMinEpisodes: 50,
      feedShareMax: 1,
    },
    retry: { failuresMax: 2, lossesMax: 3, backoffFirstMs: 10, backoffMaxMs: 50 },
    poll: { pollEveryMs: 60_000, backoffFirstMs: 60_000, backoffMaxMs: 60_000, failingAfter: 1 },
    fetch: {
      dispatcher: new Agent(),
      userAgent: 'podctl-test',
      wireBytesMax: 1_000_000,
      bytesMax: 1_000_000,
      totalMs: 5_000,
      idleMs: 5_000,
    },
    itemsMax: 20_000,
    view: { stalledAfterMs: 600_000, staleAfterMs: 3_600_000, failingAfter: 1 },
    revokeStale: false,
    heartbeatMs: 5_000,
    lostAfterMs: 30_000,
    sweepEveryMs: 60_000,
    sweepOlderThanMs: 3_600_000,
    model: 'tiny.en',
    language: null,
    qualityMin: 0.4,
    languageProbe: { offsetSeconds: 60, confidenceMin: 0.5 },
  };
}
