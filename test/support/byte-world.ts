import { createHash, randomBytes } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { connect, createServer, type Server, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { encodeEpisode } from '@podctl/domain/episode-codec.ts';
import { type HeldLock, type Lock, newEpisode } from '@podctl/domain/episode-state.ts';
import {
  agentId,
  type FeedId,
  feedId,
  type Nonce,
  nonceFrom,
  type SessionId,
  type Token,
} from '@podctl/domain/ids.ts';
import { acceptedFolder, stagingFolder } from '@podctl/domain/library-path.ts';
import { encodeManifest, MANIFEST_NAME } from '@podctl/domain/manifest.ts';
import type { JobToken } from '@podctl/domain/protocol.ts';
import { invariant, type Result } from '@podctl/domain/result.ts';
import type { Stage } from '@podctl/domain/stage.ts';
import { systemClock } from '@podctl/platform/clock.ts';
import { type FileLibrary, openLibrary } from '@podctl/platform/library/file-library.ts';
import { createLibrary } from '@podctl/platform/library/library-marker.ts';
import { createMetrics } from '@podctl/platform/metrics.ts';
import { Agent } from 'undici';
import { ByteClient, type ByteClientLimits } from '../../apps/agent/src/shell/byte-client.ts';
import { StoreClient } from '../../apps/agent/src/shell/store-client.ts';
import { byteMetrics } from '../../apps/coordinator/src/api/byte-metrics.ts';
import {
  type ByteLimits,
  ByteServer,
  type ByteServerOptions,
} from '../../apps/coordinator/src/api/byte-server.ts';
import { emptySnapshot, foldEpisode } from '../../apps/coordinator/src/core/snapshot.ts';
import { CLUSTER, episodeOf, NONCE } from './hand-built-fleet.ts';

const quiet = { info: () => {}, warn: () => {}, error: () => {}, debug: () => {} };
const never = new AbortController().signal;

/** A byte server over a real library, with a state that the test writes, and clients that reach it through a proxy that cuts. */
export class ByteWorld {
  readonly folder: string;
  readonly library: FileLibrary;
  readonly snapshot = emptySnapshot();
  readonly metrics = createMetrics({ version: '0', commit: '', nodeVersion: '' });
  readonly dispatcher = new Agent({ connect: { timeout: 2_000 } });
  readonly moved = { in: 0, out: 0 };
  /** To the library's own store, where it has one. */
  readonly store = new StoreClient();
  server: ByteServer;
  /** The server's, in all its lives. */
  port = 0;
  readonly proxy: CuttingProxy;
  readonly #bytes = byteMetrics(this.metrics);
  readonly #listeners = new Set<() => void>();
  readonly #settings: WorldSettings;
  #revision = 100;

  private constructor(folder: string, library: FileLibrary, settings: WorldSettings) {
    this.folder = folder;
    this.library = library;
    this.#settings = settings;
    this.snapshot.cluster = CLUSTER;
    this.server = this.#makeServer(0);
    this.proxy = new CuttingProxy(() => this.port);
  }

  static async start(settings: WorldSettings = {}): Promise<ByteWorld> {
    const folder = await mkdtemp(join(tmpdir(), 'podctl-bytes-'));
    await createLibrary(join(folder, 'library'));
    const library = await openLibrary(join(folder, 'library'), null);
    const world = new ByteWorld(folder, library, settings);
    await world.server.start();
    world.port = Number(world.server.address?.split(':').at(-1));
    await world.proxy.start();
    return world;
  }

  async stop(): Promise<void> {
    await this.server.stop();
    await this.proxy.stop();
    await this.store.stop();
    await this.dispatcher.destroy();
    this.metrics.close();
    await rm(this.folder, { recursive: true, force: true });
  }

  /** Its death and its next life, on the same port. */
  async restart(): Promise<void> {
    await this.server.stop();
    this.server = this.#makeServer(this.port);
    await this.server.start();
  }

  get url(): string {
    return `http://${this.server.address}`;
  }

  /** Writes the episode's value: the lock of one stage is held. Gives what its agent is told. */
  hold(stage: Stage, ticket = newTicket(), n = 1): Held {
    const token = this.#revision as Token;
    const job = { feed: FEED, episode: episodeOf(FEED, n), stage, run: 1, token };
    this.write(stage, heldLock(token, ticket), n);
    return { job, ticket };
  }

  /** The lock goes away. */
  release(stage: Stage, n = 1): void {
    this.write(stage, { ...FREE, reason: 'revoked' }, n);
  }

  write(stage: Stage, lock: Lock, n = 1): void {
    this.#revision += 1;
    const fresh = newEpisode(CLUSTER, NONCE, 'r1');
    const done = this.#audio;
    const download = done === null ? fresh.stages.download : { ...fresh.stages.download, done };
    const stages = { ...fresh.stages, download };
    const state = { ...fresh, stages: { ...stages, [stage]: { ...stages[stage], lock } } };
    const episode = episodeOf(FEED, n);
    foldEpisode(this.snapshot, FEED, episode, this.#revision, encodeEpisode(state));
    for (const listener of this.#listeners) listener();
  }

  #audio: { run: number; token: Token; manifest: Manifested } | null = null;

  /** Puts accepted audio into the library, and what the publisher wrote of it beside. */
  accept(audio: Buffer, n = 1, vtt: Buffer | null = null) {
    return this.#accept(chunks(audio), n, vtt);
  }

  acceptFile(place: string, n = 1) {
    return this.#accept(createReadStream(place), n);
  }

  async #accept(
    audio: AsyncIterable<Uint8Array>,
    n: number,
    vtt: Buffer | null = null,
  ): Promise<{ readonly path: string; readonly sha256: string }> {
    const token = 50 as Token;
    const episode = episodeOf(FEED, n);
    const folder = acceptedFolder(FEED, episode, 'download', 1, token);
    const path = `${folder}/audio.mp3`;
    const library = this.#settings.bucket?.library ?? this.library;
    const { sha256, sizeBytes } = await library.write(path, audio, never);
    const name = 'publisher.vtt';
    const beside =
      vtt === null
        ? []
        : [{ name, ...(await library.write(`${folder}/${name}`, chunks(vtt), never)) }];
    const manifest = encodeManifest({
      version: 1,
      cluster: CLUSTER,
      ...{ feed: FEED, episode, stage: 'download', run: 1, token, agent: AGENT },
      session: 7 as SessionId,
      files: [{ name: 'audio.mp3', sizeBytes, sha256 }, ...beside],
      audioSeconds: 1,
      details: {},
    });
    const text = Buffer.from(manifest);
    const { sha256: ofManifest } = await library.write(
      `${folder}/${MANIFEST_NAME}`,
      chunks(text),
      never,
    );
    const ref = { sha256: ofManifest, files: 1, bytes: sizeBytes, audioSeconds: 1 };
    this.#audio = { run: 1, token, manifest: ref };
    return { path, sha256 };
  }

  client(limits: Partial<ByteClientLimits> = {}, addresses = [this.proxy.url]): ByteClient {
    return new ByteClient({
      coordinators: addresses,
      dispatcher: this.dispatcher,
      clock: systemClock,
      random: () => 0.5,
      moved: (direction, bytes) => {
        this.moved[direction] += bytes;
      },
      limits: { backoffFirstMs: 5, backoffMaxMs: 20, idleMs: 5_000, ...limits },
    });
  }

  /** A file on the agent's side. */
  async file(bytes: Buffer): Promise<{ place: string; sizeBytes: number; sha256: string }> {
    const place = join(this.folder, `file-${randomBytes(4).toString('hex')}`);
    await writeFile(place, bytes);
    return { place, sizeBytes: bytes.length, sha256: sha256Of(bytes) };
  }

  staged({ feed, episode, stage, token }: JobToken, name: string): string {
    return `${stagingFolder(CLUSTER, feed, episode, stage, token)}/${name}`;
  }

  async page(): Promise<string> {
    return (await this.metrics.render()).text;
  }

  #makeServer(port: number): ByteServer {
    const { floorBytes = 0, limits = {} } = this.#settings;
    return new ByteServer({
      listen: { host: '127.0.0.1', port },
      fleet: {
        picture: () => ({ snapshot: this.snapshot }),
        onChange: (listener) => {
          this.#listeners.add(listener);
          return () => this.#listeners.delete(listener);
        },
      },
      ...(this.#settings.bucket ?? { library: this.library }),
      floorBytes,
      metrics: this.#bytes,
      log: quiet,
      limits,
    });
  }
}

export interface WorldSettings {
  readonly floorBytes?: number;
  readonly limits?: Partial<ByteLimits>;
  /** In place of a folder. */
  readonly bucket?: Pick<ByteServerOptions, 'library' | 'direct'>;
}

export interface Held {
  readonly job: JobToken;
  readonly ticket: Nonce;
}

interface Manifested {
  readonly sha256: string;
  readonly files: number;
  readonly bytes: number;
  readonly audioSeconds: number | null;
}

/** Cuts connections after so many bytes of a direction, once each; then it lets everything through. */
export class CuttingProxy {
  /** Bytes of one connection, after which it is cut. */
  readonly cuts: { readonly direction: 'up' | 'down'; readonly bytes: number }[] = [];
  /** Connections that were cut. */
  done = 0;
  onCut = () => {};
  #holdAt = Number.POSITIVE_INFINITY;
  #onHeld = () => {};
  #letGo = () => {};
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  readonly #portOf: () => number;

  constructor(portOf: () => number) {
    this.#portOf = portOf;
    this.#server = createServer((socket) => this.#pass(socket));
  }

  /** The next connection on which so many bytes were sent stands still from then on. Resolves when it does. */
  holdsAt(bytes: number): Promise<void> {
    this.#holdAt = bytes;
    return new Promise((resolve) => {
      this.#onHeld = resolve;
    });
  }

  /** Lets the one that stands still go on, and see what became of its ends. */
  letGo(): void {
    this.#letGo();
  }

  async start(): Promise<void> {
    await new Promise<void>((resolve) => this.#server.listen(0, '127.0.0.1', resolve));
  }

  async stop(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  get url(): string {
    const address = this.#server.address();
    invariant(typeof address === 'object' && address !== null, 'the proxy listens');
    return `http://127.0.0.1:${address.port}`;
  }

  #pass(near: Socket): void {
    const far = connect(this.#portOf(), '127.0.0.1');
    const end = () => {
      near.destroy();
      far.destroy();
    };
    for (const socket of [near, far]) {
      this.#sockets.add(socket);
      socket.on('error', end);
      socket.on('close', () => {
        this.#sockets.delete(socket);
        end();
      });
    }
    const seen = { up: 0, down: 0 };
    const watch = (direction: 'up' | 'down') => (chunk: Buffer) => {
      seen[direction] += chunk.length;
      if (seen.up >= this.#holdAt) {
        this.#holdAt = Number.POSITIVE_INFINITY;
        near.unpipe(far).pause();
        this.#letGo = () => void near.pipe(far);
        this.#onHeld();
      }
      const cut = this.cuts[0];
      if (cut?.direction !== direction || seen[direction] < cut.bytes) return;
      this.cuts.shift();
      this.done += 1;
      this.onCut();
      near.resetAndDestroy();
      far.resetAndDestroy();
    };
    near.on('data', watch('up'));
    far.on('data', watch('down'));
    near.pipe(far);
    far.pipe(near);
  }
}

export function sha256Of(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}

export function newTicket(): Nonce {
  return nonceFrom(randomBytes(10));
}

export function heldLock(token: Token, nonce: Nonce): HeldLock {
  const { failures, lostBy } = FREE;
  return {
    ...{ state: 'held', failures, lostBy, run: 1, token, agent: AGENT },
    ...{ session: 7 as SessionId, epoch: 3 as HeldLock['epoch'], nonce, sinceMs: 1 },
  };
}

const FREE = { state: 'free', failures: 0, lostBy: [], notBeforeMs: 0, reason: null } as const;
const FEED: FeedId = must(feedId('alpha'));
const AGENT = must(agentId('far'));

function must<T>(parsed: Result<T, string>): T {
  invariant(parsed.ok, 'an id');
  return parsed.value;
}

async function* chunks(bytes: Buffer): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += 65_536) yield bytes.subarray(at, at + 65_536);
}
