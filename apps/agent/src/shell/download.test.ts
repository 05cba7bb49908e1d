import { readFile } from 'node:fs/promises';
import { decodeManifest, MANIFEST_NAME } from '@podctl/domain/manifest.ts';
import { invariant } from '@podctl/domain/result.ts';
import { LibraryError } from '@podctl/platform/library.ts';
import { ManualClock } from '@podctl/platform/twin/manual-clock.ts';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { type Answer, DownloadWorld, PUBLISHED } from '../../../../test/support/download-world.ts';
import type { AttemptStore } from './attempt-store.ts';

let world: DownloadWorld;
beforeEach(async () => {
  world = await DownloadWorld.open();
  Object.assign(world.answers, answers(world.audio));
});
afterEach(() => world.close());

const answers = (audio: Buffer): Record<string, Answer> => ({
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
});

describe('a download', () => {
  test('takes audio into staging with its metadata, the manifest last, and tells what it measured', async () => {
    const progress: number[] = [];
    const outcome = await world.download('/moved', {
      progress: (fraction) => void progress.push(fraction),
    });
    expect(outcome).toMatchObject({ kind: 'finished' });
    const names = await world.staged();
    expect(names).toEqual(['audio.mp3', MANIFEST_NAME, 'metadata.json']);
    expect(await readFile(await world.place('audio.mp3'))).toEqual(world.audio);
    const manifest = decodeManifest(await readFile(await world.place(MANIFEST_NAME), 'utf8'));
    invariant(manifest.ok, 'the manifest can be read');
    expect(manifest.value.files.map(({ name }) => name)).toEqual(['audio.mp3', 'metadata.json']);
    expect(manifest.value.audioSeconds).toBeCloseTo(33.5, 1);
    expect(manifest.value.details).toMatchObject({ codec: 'MPEG 2 Layer 3', container: 'MPEG' });
    const metadata: unknown = JSON.parse(
      await readFile(await world.place('metadata.json'), 'utf8'),
    );
    expect(metadata).toMatchObject({
      guid: 'g-1',
      title: 'One',
      feedTitle: 'Alpha',
      published: PUBLISHED,
      bytes: world.audio.length,
      sha256: manifest.value.files[0]?.sha256,
    });
    expect(progress.at(-1)).toBeCloseTo(0.95);
  });

  test('never writes a secret of the URL down, and asks politely', async () => {
    await world.download('/good?token=secret', { user: 'user:pass@' });
    for (const name of await world.staged())
      if (name.endsWith('.json'))
        expect(await readFile(await world.place(name), 'utf8')).not.toMatch(/secret|user|pass/);
    expect(world.asked[0]?.headers).toMatchObject({
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
    const outcome = await world.download(path);
    expect(outcome).toMatchObject({ kind: 'failed', code, reason, final: false, returned: false });
    expect((await world.staged()).filter((name) => name !== 'audio.mp3')).toEqual([]);
    if (code !== 'undecodable') expect(await world.staged()).toEqual([]);
  });

  test('of an address that is not public is refused, and nothing is asked there', async () => {
    await world.onlyPublic();
    expect(await world.download('/good')).toMatchObject({
      code: 'address_refused',
      reason: expect.stringContaining('network.allowPrivate'),
    });
    expect(world.asked).toEqual([]);
  });

  test('that stalls fails after the idle time', async () => {
    expect(await world.download('/stall', { limits: { idleMs: 300 } })).toMatchObject({
      code: 'stalled',
    });
    expect(await world.staged()).toEqual([]);
  });

  test('that takes too long in all fails', async () => {
    expect(await world.download('/stall', { limits: { totalMs: 300 } })).toMatchObject({
      code: 'too_slow',
    });
    expect(await world.staged()).toEqual([]);
  });

  test('that takes long on its way into the library is not the host’s fault', async () => {
    const clock = new ManualClock();
    const { store } = world;
    const slow: AttemptStore = {
      parts: store.parts,
      publisherFile: (of, file) => store.publisherFile(of, file),
      ...{ freeBytes: () => store.freeBytes(), problem: (expected) => store.problem(expected) },
      input: (...of) => store.input(...of),
      checkpoints: (of) => store.checkpoints(of),
      begin: async (...of) => ({
        ...(await store.begin(...of)),
        finish: async () => {
          await clock.advance(20_000);
          throw new LibraryError('offline', 'it went away');
        },
        [Symbol.asyncDispose]: async () => {},
      }),
    };
    expect(await world.download('/good', { ports: { clock, store: slow } })).toMatchObject({
      code: 'library_offline',
      returned: true,
    });
    expect(clock.sleeping()).toBe(0);
  });

  test('of a host that asks for patience tells for how long', async () => {
    expect(await world.download('/busy')).toMatchObject({ code: 'http_429', retryAfterMs: 90_000 });
  });

  test('of what is gone for good is final', async () => {
    expect(await world.download('/gone')).toMatchObject({ code: 'http_410', final: true });
  });

  test('of more than the limit fails', async () => {
    expect(await world.download('/good', { limits: { bytesMax: 120_000 } })).toMatchObject({
      code: 'too_large',
    });
    expect(await world.staged()).toEqual([]);
  });

  test('is given back with a reason when the disk is nearly full, and the host is not asked', async () => {
    const outcome = await world.download('/good', { freeBytesMin: 1e18 });
    expect(outcome).toMatchObject({ kind: 'failed', code: 'no_space', returned: true });
    expect(world.asked).toEqual([]);
  });

  test('that is cancelled ends at once and leaves nothing', async () => {
    const cancel = new AbortController();
    const running = world.download('/stall', {
      signal: cancel.signal,
      progress: () => cancel.abort(new Error('not held')),
    });
    await expect(running).rejects.toThrow('not held');
    expect(await world.staged()).toEqual([]);
  });
});
