import { readFile, utimes, writeFile } from 'node:fs/promises';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { systemClock } from '@podctl/platform/clock.ts';
import { ManualClock } from '@podctl/platform/twin/manual-clock.ts';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { CUT_BYTES, cut, ranged, startOf } from '../../../../test/support/download-answers.ts';
import { type Answer, DownloadWorld } from '../../../../test/support/download-world.ts';
import { PartFiles } from './part-files.ts';

let world: DownloadWorld;
beforeEach(async () => {
  world = await DownloadWorld.open();
});
afterEach(() => world.close());

/** A first attempt that breaks off with a part of at least one batch behind it. */
async function broken(headers: Record<string, string> = { etag: '"v1"' }): Promise<void> {
  world.answers['/a'] = cut(world.audio, headers);
  expect(await world.download('/a')).toMatchObject({ code: 'short_read' });
}

async function finishes(token = 6): Promise<void> {
  expect(await world.download('/a', { token })).toMatchObject({ kind: 'finished' });
  expect(await readFile(await world.place('audio.mp3'))).toEqual(world.audio);
}

const lastRange = () => world.asked.at(-1)?.headers.range;

describe('a download that broke off', () => {
  test('is gone on with by another attempt, by Range and If-Range, and what was there is not received again', async () => {
    await broken();
    expect(await world.left()).toHaveLength(2);
    world.answers['/a'] = ranged(world.audio, { etag: '"v1"' });
    let receivedBytes = 0;
    const received = (bytes: number) => {
      receivedBytes += bytes;
    };
    const outcome = await world.download('/a', { token: 6, ports: { received } });
    expect(outcome).toMatchObject({ kind: 'finished' });
    expect(await readFile(await world.place('audio.mp3'))).toEqual(world.audio);
    expect(world.asked.at(-1)?.headers['if-range']).toBe('"v1"');
    expect(receivedBytes).toBeLessThan(world.audio.length - CUT_BYTES / 2);
    expect(world.resumed).toHaveLength(1);
    expect(await world.left()).toEqual([]);
  });

  test('goes on by Last-Modified only when that is well before the answer’s Date', async () => {
    const date = 'Mon, 05 Jan 2026 12:00:00 GMT';
    await broken({ 'last-modified': 'Mon, 05 Jan 2026 11:59:30 GMT', date });
    expect(await world.left()).toEqual([]);
    const good = { 'last-modified': 'Mon, 05 Jan 2026 11:00:00 GMT', date };
    await broken(good);
    world.answers['/a'] = ranged(world.audio, good);
    await finishes();
    expect(world.resumed).toHaveLength(1);
  });

  test.each([
    ['a weak ETag', { etag: 'W/"v1"' }],
    ['no validator', {}],
  ])('with %s leaves nothing, and begins anew', async (_, headers) => {
    await broken(headers);
    expect(await world.left()).toEqual([]);
    world.answers['/a'] = (response) => response.end(world.audio);
    await finishes();
    expect(lastRange()).toBeUndefined();
  });

  const lies: Record<string, (audio: Buffer, request: IncomingMessage) => Record<string, string>> =
    {
      'another offset': ({ length }) => ({
        'content-range': `bytes 7-${length - 1}/${length}`,
        etag: '"v1"',
      }),
      'another total': ({ length }, request) => ({
        'content-range': `bytes ${startOf(request)}-${length + 9}/${length + 10}`,
        etag: '"v1"',
      }),
      'not the whole rest': ({ length }, request) => ({
        'content-range': `bytes ${startOf(request)}-${length - 9}/${length}`,
        etag: '"v1"',
      }),
      'another ETag': ({ length }, request) => ({
        'content-range': `bytes ${startOf(request)}-${length - 1}/${length}`,
        etag: '"v2"',
      }),
      'no ETag': ({ length }, request) => ({
        'content-range': `bytes ${startOf(request)}-${length - 1}/${length}`,
      }),
      'no Content-Range': () => ({ etag: '"v1"' }),
      'an unknown length': ({ length }, request) => ({
        'content-range': `bytes ${startOf(request)}-${length - 1}/*`,
        etag: '"v1"',
      }),
    };

  test.each(Object.entries(lies))('begins anew after a 206 with %s', async (_, headersOf) => {
    await broken();
    world.answers['/a'] = (response, request) => {
      if (request.headers.range === undefined) return void response.end(world.audio);
      response.writeHead(206, headersOf(world.audio, request));
      response.end(world.audio.subarray(startOf(request)));
    };
    await finishes();
    expect(lastRange()).toBeUndefined();
  });

  test('begins anew when the host has other bytes there, whatever its headers say', async () => {
    await broken();
    const other = Buffer.from(world.audio).fill(7, CUT_BYTES - 30_000, CUT_BYTES - 20_000);
    world.answers['/a'] = (response, request) =>
      request.headers.range === undefined
        ? void response.end(world.audio)
        : ranged(other, { etag: '"v1"' })(response, request);
    await finishes();
    expect(lastRange()).toBeUndefined();
  });

  test('takes the whole that a host sends in the place of a range, and begins anew after a 416', async () => {
    await broken();
    world.answers['/a'] = (response) => response.setHeader('etag', '"v2"').end(world.audio);
    await finishes();
    await broken();
    world.answers['/a'] = (response, request) =>
      request.headers.range === undefined
        ? response.end(world.audio)
        : response.writeHead(416, { 'content-range': 'bytes */5' }).end();
    await finishes(7);
  });

  test('is not believed when its bytes on the disk are not those that were written', async () => {
    await broken();
    const [name = ''] = await world.left();
    expect(name).not.toBe('');
    const place = join(world.store.parts.folder, name);
    const bytes = await readFile(place);
    bytes[100] = (bytes[100] ?? 0) ^ 1;
    await writeFile(place, bytes);
    world.answers['/a'] = ranged(world.audio, { etag: '"v1"' });
    await finishes();
    expect(lastRange()).toBeUndefined();
  });

  test('is not gone on with from another place: a validator is one of its own URL', async () => {
    await broken();
    world.answers['/b'] = ranged(world.audio, { etag: '"v1"' });
    world.answers['/a'] = (response) => response.writeHead(302, { location: '/b' }).end();
    await finishes();
    expect(lastRange()).toBeUndefined();
  });

  test('goes on with a URL that was signed anew', async () => {
    world.answers['/a?sig=1'] = cut(world.audio, { etag: '"v1"' });
    await world.download('/a?sig=1');
    world.answers['/a?sig=2'] = ranged(world.audio, { etag: '"v1"' });
    expect(await world.download('/a?sig=2', { token: 6 })).toMatchObject({ kind: 'finished' });
    expect(world.resumed).toHaveLength(1);
  });

  test('keeps its part while a host is busy, and not when the audio is gone', async () => {
    await broken();
    world.answers['/a'] = (response) => response.writeHead(503).end();
    expect(await world.download('/a', { token: 6 })).toMatchObject({
      code: 'http_503',
      status: 503,
      host: '127.0.0.1',
    });
    expect(await world.left()).toHaveLength(2);
    world.answers['/a'] = (response) => response.writeHead(410).end();
    await world.download('/a', { token: 7 });
    expect(await world.left()).toEqual([]);
  });

  test('is not touched by an attempt that begins while an older one has not let go', async () => {
    const { promise: begun, resolve } = Promise.withResolvers<void>();
    const stop = new AbortController();
    world.answers['/a'] = (response, request) => {
      if (world.asked.length > 1) return ranged(world.audio, { etag: '"v1"' })(response, request);
      response.writeHead(200, { etag: '"v1"', 'content-length': String(world.audio.length) });
      response.write(world.audio.subarray(0, CUT_BYTES), () => resolve());
    };
    const older = world.download('/a', { signal: stop.signal });
    await begun;
    await finishes();
    stop.abort(new Error('not held'));
    await expect(older).rejects.toThrow('not held');
    expect(await world.staged()).toContain('audio.mp3');
  });
});

test('parts go when they are old or too many, and never one in use', async () => {
  await broken();
  const { folder } = world.store.parts;
  const parts = (bytesMax: number) =>
    new PartFiles({ ...world.store.parts, clock: systemClock, ageMsMax: 60_000, bytesMax });
  await parts(1e9).sweep();
  expect(await world.left()).toHaveLength(2);
  const [name = ''] = await world.left();
  await utimes(join(folder, name), 1, 1);
  await parts(1e9).sweep();
  expect(await world.left()).toHaveLength(1);
  await parts(0).sweep();
  expect(await world.left()).toEqual([]);
});

describe('a hostile host', () => {
  test('that sends a byte now and then has failed at the floor of the rate', async () => {
    const clock = new ManualClock();
    const sent: ServerResponse[] = [];
    world.answers['/a'] = (response) => {
      response.writeHead(200, { etag: '"v1"' });
      response.write(world.audio.subarray(0, 1_000));
      sent.push(response);
    };
    const received = () => {
      void clock.advance(2_000);
      sent[0]?.write('x');
    };
    const rate = { bytesPerSecondMin: 1_000, windowMs: 10_000 };
    const limits = { rate, totalMs: 1e9 };
    const outcome = await world.download('/a', { limits, ports: { clock, received } });
    expect(outcome).toMatchObject({ code: 'too_slow', reason: expect.stringContaining('1000') });
  });

  test('that never ends is cut at the limit, with a length that lies or without one', async () => {
    const endless: Answer = (response) => {
      const more = () => {
        while (!response.destroyed && response.write(world.audio));
      };
      response.on('drain', more);
      more();
    };
    world.answers['/a'] = endless;
    expect(await world.download('/a', { limits: { bytesMax: 2e6 } })).toMatchObject({
      code: 'too_large',
    });
    world.answers['/a'] = (response, request) => {
      response.writeHead(200, { 'content-length': '999999999999' });
      endless(response, request);
    };
    expect(await world.download('/a', { limits: { bytesMax: 2e6 } })).toMatchObject({
      code: 'too_large',
    });
    expect(await world.left()).toEqual([]);
  });

  test('that sends it gzipped though nobody asked is read, and a bomb is cut', async () => {
    const gzipped = gzipSync(world.audio);
    world.answers['/a'] = (response) =>
      response.writeHead(200, { 'content-encoding': 'gzip', etag: '"v1"' }).end(gzipped);
    await finishes(5);
    world.answers['/b'] = (response) =>
      response
        .writeHead(200, { 'content-encoding': 'gzip' })
        .end(gzipSync(Buffer.concat([world.audio, Buffer.alloc(30_000_000)])));
    expect(await world.download('/b', { token: 6 })).toMatchObject({ code: 'too_large' });
    world.answers['/c'] = (response) =>
      response.writeHead(200, { 'content-encoding': 'gzip' }).end(gzipped.subarray(0, 150_000));
    expect(await world.download('/c', { token: 7 })).toMatchObject({ code: 'encoding' });
    world.answers['/d'] = (response) =>
      response.writeHead(200, { 'content-encoding': 'rot13' }).end(world.audio);
    expect(await world.download('/d', { token: 8 })).toMatchObject({ code: 'encoding' });
    expect(await world.left()).toEqual([]);
  });

  test('is taken without a length, in chunks or until it closes as in HTTP/1.0', async () => {
    world.answers['/a'] = (response) => {
      response.write(world.audio.subarray(0, 150_000), () => {
        response.end(world.audio.subarray(150_000));
      });
    };
    await finishes(5);
    const old = createServer((socket) => {
      socket.once('data', () => {
        socket.write('HTTP/1.0 200 OK\r\nContent-Type: audio/mpeg\r\n\r\n');
        socket.end(world.audio);
      });
    });
    const listening = new Promise<void>((resolve) => old.listen(0, '127.0.0.1', resolve));
    await listening;
    const address = old.address();
    const port = typeof address === 'object' ? address?.port : 0;
    const outcome = await world.download(`http://127.0.0.1:${port}/a`, { token: 6 });
    old.close();
    expect(outcome).toMatchObject({ kind: 'finished' });
  });

  test('that answers 206 unasked is taken when that is all, else refused', async () => {
    const { length } = world.audio;
    world.answers['/a'] = (response) =>
      response
        .writeHead(206, { 'content-range': `bytes 0-${length - 1}/${length}` })
        .end(world.audio);
    await finishes(5);
    world.answers['/a'] = (response) =>
      response
        .writeHead(206, { 'content-range': `bytes 0-149999/${length}` })
        .end(world.audio.subarray(0, 150_000));
    expect(await world.download('/a', { token: 6 })).toMatchObject({ code: 'http_206' });
  });

  test('that resets the connection in mid-way has sent too little, and what came is kept', async () => {
    world.answers['/a'] = (response) => {
      response.writeHead(200, { etag: '"v1"', 'content-length': String(world.audio.length) });
      response.write(world.audio.subarray(0, CUT_BYTES), () =>
        setImmediate(() => response.socket?.resetAndDestroy()),
      );
    };
    expect(await world.download('/a')).toMatchObject({ code: 'short_read' });
    expect(await world.left()).toHaveLength(2);
  });

  test('that has other audio each time is given up after a few whole tries', async () => {
    await broken();
    const sizes: number[] = [];
    world.answers['/a'] = (response, request) => {
      sizes.push(Number(request.headers['content-length'] ?? 0));
      response.writeHead(200, { 'content-length': '150000' });
      response.end(world.audio.subarray(0, 150_000));
    };
    expect(await world.download('/a', { token: 6 })).toMatchObject({ kind: 'finished' });
    expect(sizes).toHaveLength(1);
  });

  test('learns no password when it is another host than the one of the URL', async () => {
    const seen: (string | undefined)[] = [];
    world.answers['/there'] = (response, request) => {
      seen.push(request.headers.authorization);
      response.end(world.audio);
    };
    world.answers['/a'] = (response, request) => {
      seen.push(request.headers.authorization);
      response.writeHead(302, { location: `http://localhost:${world.port}/there` }).end();
    };
    await world.download('/a', { user: 'user:secret@' });
    expect(seen[0]).toMatch(/^Basic /);
    expect(seen.slice(1)).toEqual([undefined]);
  });
});
