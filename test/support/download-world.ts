import { once } from 'node:events';
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { agentId, type Token } from '@podctl/domain/ids.ts';
import type { ResultOutcome } from '@podctl/domain/protocol.ts';
import { invariant } from '@podctl/domain/result.ts';
import { guardedAgent } from '@podctl/platform/address-guard.ts';
import { systemClock } from '@podctl/platform/clock.ts';
import { type FileLibrary, openLibrary } from '@podctl/platform/library/file-library.ts';
import { createLibrary } from '@podctl/platform/library/library-marker.ts';
import type { Agent } from 'undici';
import type { Assignment } from '../../apps/agent/src/core/assignment.ts';
import { job, sessionOf, ticket, world } from '../../apps/agent/src/core/machine-example.ts';
import { Bandwidth } from '../../apps/agent/src/shell/bandwidth.ts';
import { DiskReserve } from '../../apps/agent/src/shell/disk-reserve.ts';
import {
  type DownloadLimits,
  type DownloadPorts,
  downloadWorker,
} from '../../apps/agent/src/shell/download.ts';
import { MountedStore } from '../../apps/agent/src/shell/mounted-store.ts';
import { PartFiles } from '../../apps/agent/src/shell/part-files.ts';
import { silentLog } from './silent-log.ts';

const named = agentId('local');
invariant(named.ok, 'an agent id');
const AUDIO = new URL('../../examples/sample/the-clockmakers/clock-01.mp3', import.meta.url);
export const PUBLISHED = '2026-01-02T03:04:05.000Z';

export interface DownloadOptions {
  readonly limits?: Partial<DownloadLimits>;
  readonly ports?: Partial<DownloadPorts>;
  readonly signal?: AbortSignal;
  readonly progress?: (fraction: number) => void;
  /** `user:password@` */
  readonly user?: string;
  readonly token?: number;
  readonly freeBytesMin?: number;
  /** Paths at the host that the publisher's transcripts are offered at, in this order. */
  readonly transcripts?: readonly string[];
}

/** What a host answers; `null` from `answer` ends nothing: the test has done it. */
export type Answer = (response: ServerResponse, request: IncomingMessage) => void;

/** A library, a host of the test's own, and the agent's real downloader between them. */
export class DownloadWorld {
  readonly answers: Record<string, Answer> = {};
  readonly asked: IncomingMessage[] = [];
  readonly folder: string;
  readonly library: FileLibrary;
  readonly audio: Buffer;
  readonly store: MountedStore;
  readonly parts: PartFiles;
  readonly resumed: number[] = [];
  dispatcher: Agent;
  readonly #server: Server;

  private constructor(folder: string, library: FileLibrary, audio: Buffer) {
    invariant(named.ok, 'an agent id');
    this.folder = folder;
    this.library = library;
    this.audio = audio;
    this.store = new MountedStore(library, named.value, 0);
    const limits = { ageMsMax: 3_600_000, bytesMax: 1e9 };
    this.parts = new PartFiles({ ...this.store.parts, clock: systemClock, ...limits });
    this.dispatcher = guarded(true);
    this.#server = createServer((request, response) => {
      this.asked.push(request);
      const answer = this.answers[request.url ?? ''];
      if (answer === undefined) response.writeHead(404).end();
      else answer(response, request);
    });
  }

  static async open(): Promise<DownloadWorld> {
    const folder = await mkdtemp(join(tmpdir(), 'podctl-download-'));
    await createLibrary(join(folder, 'library'));
    const library = await openLibrary(join(folder, 'library'), null);
    const opened = new DownloadWorld(folder, library, await readFile(AUDIO));
    opened.#server.listen(0, '127.0.0.1');
    await once(opened.#server, 'listening');
    return opened;
  }

  async close(): Promise<void> {
    await this.dispatcher.destroy();
    this.#server.closeAllConnections();
    this.#server.close();
    await rm(this.folder, { recursive: true });
  }

  get port(): number {
    const address = this.#server.address();
    invariant(typeof address === 'object' && address !== null, 'the server listens');
    return address.port;
  }

  async onlyPublic(): Promise<void> {
    await this.dispatcher.destroy();
    this.dispatcher = guarded(false);
  }

  download(path: string, options: DownloadOptions = {}): Promise<ResultOutcome> {
    const { ports = {}, freeBytesMin = 0, progress = () => undefined } = options;
    invariant(named.ok, 'an agent id');
    const worker = downloadWorker({
      store: this.store,
      parts: this.parts,
      disk: new DiskReserve(() => this.store.freeBytes(), freeBytesMin),
      bandwidth: new Bandwidth(systemClock, null),
      dispatcher: this.dispatcher,
      userAgent: 'podctl-test',
      limits: limitsWith(options.limits),
      clock: systemClock,
      agent: named.value,
      received: () => undefined,
      resumed: (bytes) => void this.resumed.push(bytes),
      ...ports,
    });
    const signal = options.signal ?? new AbortController().signal;
    return worker(this.#assignment(path, options), { signal, progress, log: silentLog });
  }

  async staged(): Promise<string[]> {
    const files = await this.library.list('staging', 100);
    return files
      .filter(({ path }) => !path.startsWith('staging/parts/'))
      .map(({ path }) => path.split('/').at(-1) ?? '');
  }

  /** Parts and their records. */
  async left(): Promise<string[]> {
    return (await readdir(this.store.parts.folder).catch(() => [])).sort();
  }

  /** Where a staged file is, of the newest token. */
  async place(name: string): Promise<string> {
    const files = await this.library.list('staging', 100);
    const found = files.filter(({ path }) => path.endsWith(`/${name}`)).at(-1);
    invariant(found !== undefined, `${name} is there`);
    return join(this.library.root, found.path);
  }

  #assignment(path: string, options: DownloadOptions): Assignment {
    const { user = '', token = 5, transcripts: offered } = options;
    const urlOf = (at: string) =>
      at.startsWith('http') ? at : `http://${user}127.0.0.1:${this.port}${at}`;
    const url = urlOf(path);
    const offers = offered?.map((at) => ({ url: urlOf(at), type: null, language: 'en' }));
    const transcripts = offers === undefined ? {} : { transcripts: offers };
    const publishedMs = Date.parse(PUBLISHED);
    const episode = { feedTitle: 'Alpha', title: 'One', guid: 'g-1', publishedMs };
    const work = { kind: 'download', url, episode, ...transcripts } as const;
    const of = { ...job('download', 1, 5), token: token as Token };
    return { cluster: world, session: sessionOf(7), job: of, work, ticket };
  }
}

function limitsWith(limits: Partial<DownloadLimits> = {}): DownloadLimits {
  return {
    floorBytes: 100_000,
    bytesMax: 10_000_000,
    rate: { bytesPerSecondMin: 0, windowMs: 60_000 },
    idleMs: 5_000,
    totalMs: 10_000,
    spaceWaitMs: 0,
    ...limits,
  };
}

function guarded(allowPrivate: boolean): Agent {
  return guardedAgent({ allowPrivate, connectTimeoutMs: 5_000, connectionsMax: 4 });
}
