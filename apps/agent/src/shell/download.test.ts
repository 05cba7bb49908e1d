import { once } from 'node:events';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { agentId } from '@podctl/domain/ids.ts';
import { decodeManifest, MANIFEST_NAME } from '@podctl/domain/manifest.ts';
import { invariant } from '@podctl/domain/result.ts';
import { guardedAgent } from '@podctl/platform/address-guard.ts';
import { systemClock } from '@podctl/platform/clock.ts';
import { type FileLibrary, openLibrary } from '@podctl/platform/library/file-library.ts';
import { createLibrary } from '@podctl/platform/library/library-marker.ts';
import { LibraryError } from '@podctl/platform/library.ts';
import { ManualClock } from '@podctl/platform/twin/manual-clock.ts';
import type { Agent } from 'undici';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { silentLog } from '../../../../test/support/silent-log.ts';
import type { Assignment } from '../core/assignment.ts';
import { job, sessionOf, ticket, world } from '../core/machine-example.ts';
import type { AttemptStore } from './attempt-store.ts';
import { type DownloadLimits, type DownloadPorts, downloadWorker } from './download.ts';
import { MountedStore } from './mounted-store.ts';

const named = agentId('local');
invariant(named.ok, 'an agent id');
const agent = named.value;
const AUDIO = new URL('../../../../examples/sample/the-clockmakers/clock-01.mp3', import.meta.url);
const NOW = '2026-01-02T03:04:05.000Z';

let folder: string;
let library: FileLibrary;
let server: Server;
let audio: Buffer;
let dispatcher: Agent;
let asked: IncomingMessage[];
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'podctl-download-'));
  await createLibrary(join(folder, 'library'));
  library = await openLibrary(join(folder, 'library'), null);
  audio = await readFile(AUDIO);
  dispatcher = guarded(true);
  asked = [];
  server = createServer((request, response) => {
    asked.push(request);
    answers[request.url ?? '']?.(response);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
});
afterEach(async () => {
  await dispatcher.destroy();
  server.closeAllConnections();
  server.close();
  await rm(folder, { recursive: true });
});

const answers: Record<string, (response: ServerResponse) => void> = {
  '/good': (response) => response.setHeader('etag', '"1"').end(audio),
  '/moved': (response) => response.writeHead(302, { location: '/good?token=secret' }).end(),
  '/good?token=secret': (response) => response.end(audio),
  '/circle': (response) => response.writeHead(301, { location: '/circle' }).end(),
  '/html': (response) =>
    response.setHeader('content-type', 'audio/mpeg').end(`<!doctype html>${'x'.repeat(200_000)}`),
  '/json': (response) => response.end(JSON.stringify({ error: 'x'.repeat(200_000) })),
  '/noise': (response) =>
    response.end(
      Buffer.concat([
        Buffer.from('ID3\x04\0\0\0\0\0\0'),
        Buffer.from(Uint8Array.from({ length: 150_000 }, (_, i) => (i * 7) & 0x7f)),
      ]),
    ),
  '/tiny': (response) => response.end(audio.subarray(0, 50_000)),
  '/short': (response) => {
    response.writeHead(200, { 'content-length': String(audio.length) });
    response.write(audio.subarray(0, 150_000), () => response.destroy());
  },
  '/stall': (response) => {
    response.writeHead(200, { 'content-length': String(audio.length) });
    response.write(audio.subarray(0, 150_000));
  },
  '/busy': (response) => response.writeHead(429, { 'retry-after': '90' }).end('slow down'),
  '/gone': (response) => response.writeHead(410).end(),
  '/missing': (response) => response.writeHead(404).end(),
};

describe('a download', () => {
  test('takes audio into staging with its metadata, the manifest last, and tells what it measured', async () => {
    const progress: number[] = [];
    const outcome = await download('/moved', {}, progress);
    expect(outcome).toMatchObject({ kind: 'finished' });
    const names = await stagedNames();
    expect(names).toEqual(['audio.mp3', MANIFEST_NAME, 'metadata.json']);
    expect(await readFile(await place('audio.mp3'))).toEqual(audio);
    const manifest = decodeManifest(await readFile(await place(MANIFEST_NAME), 'utf8'));
    invariant(manifest.ok, 'the manifest can be read');
    expect(manifest.value.files.map(({ name }) => name)).toEqual(['audio.mp3', 'metadata.json']);
    expect(manifest.value.audioSeconds).toBeCloseTo(33.5, 1);
    expect(manifest.value.details).toMatchObject({ codec: 'MPEG 2 Layer 3', container: 'MPEG' });
    const metadata: unknown = JSON.parse(await readFile(await place('metadata.json'), 'utf8'));
    expect(metadata).toMatchObject({
      guid: 'g-1',
      title: 'One',
      feedTitle: 'Alpha',
      published: NOW,
      bytes: audio.length,
      sha256: manifest.value.files[0]?.sha256,
    });
    expect(progress.at(-1)).toBeCloseTo(0.95);
  });

  test('never writes a secret of the URL down, and asks politely', async () => {
    await download('/good?token=secret', {}, [], 'user:pass@');
    for (const name of await stagedNames())
      if (name.endsWith('.json'))
        expect(await readFile(await place(name), 'utf8')).not.toMatch(/secret|user|pass/);
    expect(asked[0]?.headers).toMatchObject({
      'user-agent': 'podctl-test',
      authorization: `Basic ${Buffer.from('user:pass').toString('base64')}`,
    });
  });

  test.each([
    ['/html', 'web_page', 'The host sent a web page (HTML) instead of audio.'],
    ['/json', 'web_page', 'The host sent a web page (JSON) instead of audio.'],
    ['/noise', 'undecodable', 'What the host sent cannot be decoded as audio.'],
    ['/tiny', 'too_small', 'The audio has 50000 bytes; at least 100000 were expected.'],
    ['/short', 'short_read', expect.stringMatching(/^The host sent \d+ of \d+ bytes\.$/)],
    ['/missing', 'http_404', expect.stringContaining('404')],
    ['/circle', 'redirect', expect.stringContaining('circle')],
  ])('of %s fails as %s and leaves no part file', async (path, code, reason) => {
    const outcome = await download(path);
    expect(outcome).toMatchObject({ kind: 'failed', code, reason, final: false, returned: false });
    expect((await stagedNames()).filter((name) => name !== 'audio.mp3')).toEqual([]);
    if (code !== 'undecodable') expect(await stagedNames()).toEqual([]);
  });

  test('of an address that is not public is refused, and nothing is asked there', async () => {
    await dispatcher.destroy();
    dispatcher = guarded(false);
    expect(await download('/good')).toMatchObject({
      code: 'address_refused',
      reason: expect.stringContaining('network.allowPrivate'),
    });
    expect(asked).toEqual([]);
  });

  test('that stalls fails after the idle time', async () => {
    expect(await download('/stall', { idleMs: 300 })).toMatchObject({ code: 'stalled' });
    expect(await stagedNames()).toEqual([]);
  });

  test('that takes too long in all fails', async () => {
    expect(await download('/stall', { totalMs: 300 })).toMatchObject({ code: 'too_slow' });
    expect(await stagedNames()).toEqual([]);
  });

  test('that takes long on its way into the library is not the host’s fault', async () => {
    const clock = new ManualClock();
    const store = new MountedStore(library, 0);
    const slow: AttemptStore = {
      ...{ freeBytes: () => store.freeBytes(), problem: (expected) => store.problem(expected) },
      input: (...of) => store.input(...of),
      begin: async (...of) => ({
        ...(await store.begin(...of)),
        finish: async () => {
          await clock.advance(20_000);
          throw new LibraryError('offline', 'it went away');
        },
        [Symbol.asyncDispose]: async () => {},
      }),
    };
    expect(await downloaded('/good', { clock, store: slow })).toMatchObject({
      code: 'library_offline',
      returned: true,
    });
    expect(clock.sleeping()).toBe(0);
  });

  test('of a host that asks for patience tells for how long', async () => {
    expect(await download('/busy')).toMatchObject({ code: 'http_429', retryAfterMs: 90_000 });
  });

  test('of what is gone for good is final', async () => {
    expect(await download('/gone')).toMatchObject({ code: 'http_410', final: true });
  });

  test('of more than the limit fails', async () => {
    expect(await download('/good', { bytesMax: 120_000 })).toMatchObject({ code: 'too_large' });
    expect(await stagedNames()).toEqual([]);
  });

  test('is given back with a reason when the disk is nearly full, and the host is not asked', async () => {
    const outcome = await download('/good', { freeBytesMin: Number.MAX_SAFE_INTEGER });
    expect(outcome).toMatchObject({ kind: 'failed', code: 'no_space', returned: true });
    expect(asked).toEqual([]);
  });

  test('that is cancelled ends at once and leaves nothing', async () => {
    const cancel = new AbortController();
    const running = run(
      '/stall',
      {},
      { signal: cancel.signal, progress: () => cancel.abort(new Error('not held')) },
    );
    await expect(running).rejects.toThrow('not held');
    expect(await stagedNames()).toEqual([]);
  });
});

function guarded(allowPrivate: boolean): Agent {
  return guardedAgent({ allowPrivate, connectTimeoutMs: 5_000, connectionsMax: 4 });
}

function download(
  path: string,
  limits: Partial<DownloadLimits> = {},
  progress: number[] = [],
  user = '',
) {
  const signal = new AbortController().signal;
  return run(path, limits, { signal, progress: (fraction) => void progress.push(fraction) }, user);
}

function downloaded(path: string, ports: Partial<DownloadPorts>) {
  const context = { signal: new AbortController().signal, progress: () => undefined };
  return run(path, {}, context, '', ports);
}

function run(
  path: string,
  limits: Partial<DownloadLimits>,
  context: { signal: AbortSignal; progress: (fraction: number) => void },
  user = '',
  ports: Partial<DownloadPorts> = {},
) {
  const worker = downloadWorker({
    store: new MountedStore(library, 0),
    dispatcher,
    userAgent: 'podctl-test',
    limits: {
      floorBytes: 100_000,
      bytesMax: 10_000_000,
      idleMs: 5_000,
      totalMs: 10_000,
      freeBytesMin: 0,
      spaceWaitMs: 0,
      ...limits,
    },
    clock: systemClock,
    agent,
    received: () => undefined,
    ...ports,
  });
  return worker(assignmentOf(path, user), { ...context, log: silentLog });
}

function assignmentOf(path: string, user: string): Assignment {
  const address = server.address();
  invariant(typeof address === 'object' && address !== null, 'the server listens');
  const url = `http://${user}127.0.0.1:${address.port}${path}`;
  const publishedMs = Date.parse(NOW);
  const episode = { feedTitle: 'Alpha', title: 'One', guid: 'g-1', publishedMs };
  const work = { kind: 'download', url, episode } as const;
  return { cluster: world, session: sessionOf(7), job: job('download', 1, 5), work, ticket };
}

async function stagedNames(): Promise<string[]> {
  const files = await library.list('staging', 100);
  return files.map(({ path }) => path.split('/').at(-1) ?? '');
}

async function place(name: string): Promise<string> {
  const files = await library.list('staging', 100);
  const found = files.find(({ path }) => path.endsWith(`/${name}`));
  invariant(found !== undefined, `${name} is there`);
  return join(library.root, found.path);
}
