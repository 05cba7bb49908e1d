import { once } from 'node:events';
import { mkdir, readFile } from 'node:fs/promises';
import { createServer, type Server, type ServerResponse } from 'node:http';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { credentials } from '@grpc/grpc-js';
import { decodeEpisode } from '@podctl/domain/episode-codec.ts';
import type { EpisodeState } from '@podctl/domain/episode-state.ts';
import { BUCKETS, parseStateKey } from '@podctl/domain/key.ts';
import { STAGES } from '@podctl/domain/stage.ts';
import {
  type AgentBootstrap,
  type AppKey,
  bootstrapVariable,
  type CommonBootstrap,
  type CoordinatorBootstrap,
} from '@podctl/platform/bootstrap.ts';
import { type Child, spawnChild } from '@podctl/platform/child/child-process.ts';
import { systemClock } from '@podctl/platform/clock.ts';
import { loadSettings } from '@podctl/platform/config/load.ts';
import { writeJsonFile } from '@podctl/platform/json-file.ts';
import type { KvEntry } from '@podctl/platform/kv.ts';
import { openBucket } from '@podctl/platform/nats/bucket.ts';
import { connectNats } from '@podctl/platform/nats/connection.ts';
import { natsKv } from '@podctl/platform/nats/kv.ts';
import { FeedServiceClient } from '@podctl/proto/podctl/v1/feed.ts';

const SETTINGS = {
  network: { allowPrivate: true },
  library: { freeFloor: '0B' },
  downloads: { floorBytes: '0B' },
  sessions: { heartbeat: '200ms', lostAfter: '5s' },
  leader: { ttl: '2s' },
};
const PODCTL = fileURLToPath(new URL('../../apps/cli/bin/podctl.js', import.meta.url));
const PYTHON_ROOT =
  process.env.PODCTL_PYTHON_ROOT ?? fileURLToPath(new URL('../../.podctl', import.meta.url));
const ENGINE = fileURLToPath(new URL('../failpoint/stand-in-engine.ts', import.meta.url));
const AUDIO = new URL('../../examples/sample/the-clockmakers/clock-01.mp3', import.meta.url);

/** A feed of so many episodes, the last of which comes to no end until it is let go. */
export class HeldFeed {
  readonly url: string;
  readonly #server: Server;
  readonly #waiting: ServerResponse[] = [];
  readonly #asked = Promise.withResolvers<void>();
  #held = true;

  static async start(episodes: number): Promise<HeldFeed> {
    const audio = (await readFile(AUDIO)).subarray(0, 40_000);
    const server = createServer();
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    return new HeldFeed(server, episodes, audio);
  }

  private constructor(server: Server, episodes: number, audio: Buffer) {
    const address = server.address();
    const port = typeof address === 'object' && address !== null ? address.port : 0;
    const base = `http://127.0.0.1:${port}`;
    this.url = `${base}/feed.xml`;
    this.#server = server;
    server.on('request', ({ url = '' }, response) => {
      if (url === '/feed.xml') {
        const items = Array.from({ length: episodes }, (_, i) => {
          const audioOf = `<enclosure url="${base}/${i}.mp3" type="audio/mpeg" length="1"/>`;
          return `<item><title>Part ${i}</title><guid>${i}</guid>${audioOf}</item>`;
        });
        response.setHeader('content-type', 'application/rss+xml');
        const channel = `<channel><title>Held</title>${items.join('')}</channel>`;
        response.end(`<rss version="2.0">${channel}</rss>`);
        return;
      }
      const body = Buffer.concat([audio, Buffer.from(url)]);
      if (this.#held && url === `/${episodes - 1}.mp3`) {
        response.write(body.subarray(0, 1_000));
        this.#waiting.push(response);
        this.#asked.resolve();
      } else response.end(body);
    });
  }

  /** Resolves when somebody waits for the last audio. */
  asked(): Promise<void> {
    return this.#asked.promise;
  }

  letGo(): void {
    this.#held = false;
    for (const response of this.#waiting.splice(0)) response.destroy();
  }

  stop(): void {
    this.#server.closeAllConnections();
    this.#server.close();
  }
}

/** Every value of the state that one NATS server ever had while it was followed. */
export class StateLog {
  readonly entries: (KvEntry & { kind: 'value' })[] = [];
  readonly #wakers = new Set<() => void>();
  #close: () => Promise<void> = async () => undefined;

  static async follow(url: string): Promise<StateLog> {
    const log = new StateLog();
    const ports = { clock: systemClock, random: Math.random, listen: () => undefined };
    const { signal } = new AbortController();
    const options = { servers: [url], name: 'log', auth: { kind: 'none' } } as const;
    const link = await connectNats(options, ports, signal);
    const bucket = await openBucket(
      link,
      { name: BUCKETS.state, replicas: 1 },
      systemClock,
      signal,
    );
    const current = Promise.withResolvers<void>();
    const tail = natsKv(bucket, { ...ports, onError: () => undefined }).tail({
      entry: (entry) => {
        if (entry.kind === 'value') log.entries.push(entry);
        for (const wake of log.#wakers) wake();
      },
      current: () => current.resolve(),
    });
    await tail.start();
    await current.promise;
    log.#close = async () => {
      await tail.stop();
      await link.close();
    };
    return log;
  }

  close(): Promise<void> {
    return this.#close();
  }

  /** All states of the episodes, in order of revision. */
  get episodes(): { readonly key: string; readonly state: EpisodeState }[] {
    return this.entries.flatMap(({ key, value }) => {
      if (parseStateKey(key).kind !== 'job') return [];
      const state = decodeEpisode(new TextDecoder().decode(value));
      if (!state.ok) throw new Error(state.error);
      return [{ key, state: state.value }];
    });
  }

  newest(): Map<string, EpisodeState> {
    return new Map(this.episodes.map(({ key, state }) => [key, state]));
  }

  /** The accepted results of a stage that each episode ever had here, as `run-token`. */
  accepted(stage: (typeof STAGES)[number]): Map<string, Set<string>> {
    const results = new Map<string, Set<string>>();
    for (const { key, state } of this.episodes) {
      const { done } = state.stages[stage];
      const known = results.get(key) ?? new Set();
      results.set(key, done === null ? known : known.add(`${done.run}-${done.token}`));
    }
    return results;
  }

  /** Resolves when so many episodes are done, and no lock is committed. */
  async untilDone(episodes: number): Promise<void> {
    const isDone = () => {
      const states = [...this.newest().values()];
      const done = states.filter((state) => STAGES.every((stage) => state.stages[stage].done));
      const open = states.some((state) =>
        STAGES.some((stage) => state.stages[stage].lock.state === 'committed'),
      );
      return done.length === episodes && !open;
    };
    await this.until(isDone);
  }

  /** Resolves when the claim holds, looked at with each entry. */
  async until(holds: () => boolean): Promise<void> {
    while (!holds()) {
      const changed = Promise.withResolvers<void>();
      this.#wakers.add(changed.resolve);
      await changed.promise;
      this.#wakers.delete(changed.resolve);
    }
  }

  get cluster(): string {
    const newest = this.entries.findLast(({ key }) => key === 'cluster');
    return newest === undefined ? '' : new TextDecoder().decode(newest.value);
  }
}

/** A coordinator and an agent with a stand-in engine, real processes, which keep their folders from one NATS to the next. */
export class Fleet {
  readonly folder: string;
  readonly said: string[] = [];
  readonly #children: Child[] = [];

  constructor(folder: string) {
    this.folder = folder;
  }

  /** Resolves to the coordinator's address when it leads, and the agent is welcome. */
  async start(natsUrl: string): Promise<string> {
    const [grpc] = await this.startCoordinator(natsUrl, /"leading"/);
    await this.#app('agent', await this.#bootstrap('agent', natsUrl), /Welcomed by the leader/);
    return grpc ?? '';
  }

  /** Resolves when it has said so, with its address if it said that. */
  async startCoordinator(natsUrl: string, until: RegExp): Promise<string[]> {
    const said = await this.#app(
      'coordinator',
      await this.#bootstrap('coordinator', natsUrl),
      /"ready"/,
      until,
    );
    return said.flatMap((line) => /"grpc":"([^"]+)"/.exec(line)?.[1] ?? []);
  }

  pids(): number[] {
    return this.#children.map(({ pid }) => pid);
  }

  async stop(how: 'politely' | 'killed' = 'politely'): Promise<void> {
    for (const child of this.#children.splice(0).reverse()) {
      if (how === 'killed') child.kill();
      await child.stop({ graceMs: 8_000 });
    }
  }

  async #bootstrap(key: AppKey, natsUrl: string): Promise<object> {
    const settings = await loadSettings({
      file: null,
      dataDir: this.folder,
      version: 'test',
      overrides: SETTINGS,
    });
    const listen = { host: '127.0.0.1', port: 0 };
    const common: CommonBootstrap = {
      settings,
      nats: { servers: [natsUrl], as: { kind: 'nobody' }, ca: null },
      libraryRoot: join(this.folder, 'library'),
      stateDir: join(this.folder, key),
      httpListen: listen,
      metricsTokenFile: null,
      endpointFile: null,
    };
    await mkdir(common.stateDir, { recursive: true });
    if (key === 'agent')
      return {
        ...common,
        agentId: 'worker',
        drainMs: 0,
        pythonPath: process.execPath,
        coordinators: [],
        credentialFile: null,
        engineScript: ENGINE,
      } satisfies AgentBootstrap;
    return {
      ...common,
      grpcListen: listen,
      bytesListen: null,
      security: null,
      proveAlone: false,
    } satisfies CoordinatorBootstrap;
  }

  /** Resolves with what it said when it has said all of that. */
  async #app(key: AppKey, bootstrap: object, ...until: RegExp[]): Promise<string[]> {
    const path = join(this.folder, `${key}.json`);
    await writeJsonFile(path, bootstrap);
    const said: string[] = [];
    const ready = Promise.withResolvers<void>();
    const child = await spawnChild({
      name: key,
      command: process.execPath,
      args: [fileURLToPath(import.meta.resolve(`../../apps/${key}/src/main.ts`))],
      tie: 'node',
      env: { ...process.env, [bootstrapVariable(key)]: path },
      stdout: 'log',
      log: (line) => {
        said.push(line);
        this.said.push(`${key}: ${line}`);
        if (until.every((pattern) => said.some((one) => pattern.test(one)))) ready.resolve();
      },
    });
    this.#children.push(child);
    void child.exited.then(() => ready.reject(new Error(said.join('\n'))));
    await ready.promise;
    return said;
  }
}

export function addFeed(address: string, url: string): Promise<void> {
  const client = new FeedServiceClient(address, credentials.createInsecure());
  const feed = { feedId: 'held', title: 'Held', url };
  return new Promise((resolve, reject) => {
    client.addFeeds({ feeds: [feed] }, (error) => {
      client.close();
      if (error === null) resolve();
      else reject(error);
    });
  });
}

/** Runs podctl until its end. */
export async function podctl(args: readonly string[], folder: string) {
  let stdout = '';
  let stderr = '';
  const child = await spawnChild({
    name: 'podctl',
    command: process.execPath,
    args: [PODCTL, ...args],
    tie: 'node',
    cwd: folder,
    // What the tests' own set-up has prepared.
    env: { ...process.env, PODCTL_PYTHON_ROOT: PYTHON_ROOT },
    stdout: 'log',
    log: (line) => {
      stdout += `${line}\n`;
    },
  });
  const { code, stderrTail } = await child.exited;
  stderr += stderrTail;
  return { code, stdout, stderr };
}
