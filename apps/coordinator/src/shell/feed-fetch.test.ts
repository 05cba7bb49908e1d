import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { brotliCompressSync, gzipSync } from 'node:zlib';
import { classify } from '@podctl/domain/feed/poll.ts';
import { guardedAgent } from '@podctl/platform/address-guard.ts';
import { Agent } from 'undici';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { type FeedFetchOptions, fetchFeed } from './feed-fetch.ts';

type Handler = (request: IncomingMessage, response: ServerResponse) => void;

const NEVER = new AbortController().signal;
const FEED = '<rss><channel/></rss>';
const routes = new Map<string, Handler>();
const seen: IncomingMessage[] = [];
const dispatcher = new Agent();
let server: Server;
let origin: string;

beforeAll(async () => {
  server = createServer((request, response) => {
    seen.push(request);
    const handler = routes.get(new URL(request.url ?? '/', origin).pathname);
    if (handler === undefined) response.writeHead(404).end('nothing here');
    else handler(request, response);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});

afterAll(async () => {
  await dispatcher.destroy();
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
});

afterEach(() => {
  routes.clear();
  seen.length = 0;
});

async function fetched(
  path: string,
  some: Partial<FeedFetchOptions> = {},
  validators: { etag?: string; lastModified?: string } = {},
) {
  return fetchedUrl(path.startsWith('http') ? path : `${origin}${path}`, some, validators);
}

async function fetchedUrl(
  url: string,
  some: Partial<FeedFetchOptions> = {},
  validators: { etag?: string; lastModified?: string } = {},
) {
  const options = {
    dispatcher,
    userAgent: 'podctl-test',
    wireBytesMax: 100_000,
    bytesMax: 1_000_000,
    totalMs: 10_000,
    idleMs: 5_000,
    ...some,
  };
  return await fetchFeed({ url, etag: null, lastModified: null, ...validators }, options, NEVER);
}

async function responseOf(...args: Parameters<typeof fetched>) {
  const outcome = await fetched(...args);
  if (outcome.kind !== 'response') throw new Error(outcome.reason);
  return { ...outcome, text: new TextDecoder().decode(outcome.body) };
}

const redirect =
  (status: number, location: string): Handler =>
  (_request, response) =>
    void response.writeHead(status, { location }).end();
const feed: Handler = (_request, response) =>
  void response.writeHead(200, { 'content-type': 'text/xml' }).end(FEED);

describe('a feed that answers', () => {
  test('is read with its validators, asked for by our name', async () => {
    routes.set('/feed', (_request, response) => {
      const headers = { etag: '"1"', 'last-modified': 'Tue, 17 Mar 2026 06:00:00 GMT' };
      response.writeHead(200, { ...headers, 'content-type': 'text/xml' }).end(FEED);
    });
    const outcome = await responseOf('/feed?token=a');
    expect(outcome).toMatchObject({
      status: 200,
      text: FEED,
      contentType: 'text/xml',
      etag: '"1"',
      lastModified: 'Tue, 17 Mar 2026 06:00:00 GMT',
      finalUrl: `${origin}/feed?token=a`,
      movedTo: null,
      wireBytes: FEED.length,
    });
    expect(seen[0]?.headers['user-agent']).toBe('podctl-test');
    expect(seen[0]?.headers['if-none-match']).toBeUndefined();
  });

  test('and has not changed is a 304 without a body', async () => {
    routes.set('/feed', (request, response) => {
      const isKnown =
        request.headers['if-none-match'] === '"1"' &&
        request.headers['if-modified-since'] === 'yesterday';
      response.writeHead(isKnown ? 304 : 200).end(isKnown ? undefined : FEED);
    });
    const outcome = await fetched('/feed', {}, { etag: '"1"', lastModified: 'yesterday' });
    expect(outcome).toMatchObject({ kind: 'response', status: 304, body: new Uint8Array() });
    expect(classify(outcome, 0)).toEqual({ kind: 'unchanged', movedTo: null });
  });

  test.each([
    ['gzip', gzipSync],
    ['br', brotliCompressSync],
  ] as const)('in %s is decompressed', async (encoding, compress) => {
    const body = FEED.repeat(1000);
    routes.set('/feed', (_request, response) => {
      response.writeHead(200, { 'content-encoding': encoding }).end(compress(body));
    });
    const outcome = await responseOf('/feed');
    expect(outcome.text).toBe(body);
    expect(outcome.wireBytes).toBeLessThan(1000);
  });

  test('with an error or an HTML page keeps its status and type for the verdict', async () => {
    routes.set('/busy', (_request, response) => {
      response.writeHead(503, { 'retry-after': '120' }).end('busy');
    });
    const verdict = classify(await fetched('/busy'), 0);
    expect(verdict).toMatchObject({ kind: 'failed', retryAfterMs: 120_000 });
    routes.set(
      '/broken',
      (_request, response) => void response.writeHead(500).end('x'.repeat(500_000)),
    );
    expect(classify(await fetched('/broken'), 0)).toMatchObject({
      kind: 'failed',
      reason: 'the host answered 500 where 200 was expected',
    });
    routes.set('/page', (_request, response) => {
      response.writeHead(200, { 'content-type': 'text/html' }).end('<!doctype html>');
    });
    expect(await responseOf('/page')).toMatchObject({
      contentType: 'text/html',
      text: '<!doctype html>',
    });
  });
});

describe('redirects', () => {
  test('a permanent chain is followed and gives the new URL', async () => {
    routes.set('/a', redirect(301, '/b'));
    routes.set('/b', redirect(308, `${origin}/c`));
    routes.set('/c', feed);
    const outcome = await responseOf('/a');
    expect(outcome).toMatchObject({ text: FEED, movedTo: `${origin}/c`, finalUrl: `${origin}/c` });
  });

  test('a temporary one is followed and moves nothing', async () => {
    routes.set('/a', redirect(302, '/c'));
    routes.set('/c', feed);
    expect(await responseOf('/a')).toMatchObject({
      text: FEED,
      movedTo: null,
      finalUrl: `${origin}/c`,
    });
  });

  test('a circle and an endless chain are given up', async () => {
    routes.set('/a', redirect(301, '/b'));
    routes.set('/b', redirect(301, '/a'));
    expect(await fetched('/a')).toEqual({
      kind: 'failed',
      reason: 'the host redirects in a circle',
      fault: 'url',
    });
    for (let i = 0; i < 20; i++) routes.set(`/${i}`, redirect(302, `/${i + 1}`));
    expect(await fetched('/0')).toMatchObject({
      kind: 'failed',
      reason: expect.stringContaining('5 times'),
      fault: 'url',
    });
    expect(seen.length).toBeLessThan(10);
  });

  test('credentials of the URL go to its host, and not to another', async () => {
    const other = `http://localhost:${new URL(origin).port}/c`;
    routes.set('/a', redirect(302, '/b'));
    routes.set('/b', redirect(302, other));
    routes.set('/c', feed);
    await fetched(`${origin.replace('//', '//me:pw@')}/a`, { dispatcher: loopback });
    const sent = seen.map(({ url, headers }) => [url, headers.authorization]);
    expect(sent).toEqual([
      ['/a', `Basic ${btoa('me:pw')}`],
      ['/b', `Basic ${btoa('me:pw')}`],
      ['/c', undefined],
    ]);
  });

  /** `localhost` may be ::1 first, where the server does not listen. */
  const loopback = new Agent({ connect: { family: 4 } });
  afterAll(() => loopback.destroy());
});

describe('limits', () => {
  test('a body over the limit on the wire is cut off', async () => {
    routes.set(
      '/feed',
      (_request, response) => void response.writeHead(200).end('x'.repeat(200_000)),
    );
    expect(await fetched('/feed')).toEqual({
      kind: 'failed',
      reason: 'the feed has more than 100000 bytes, the limit',
      fault: 'size',
    });
  });

  test('a gzip bomb is cut off at the limit, small as it is on the wire', async () => {
    const bomb = gzipSync(Buffer.alloc(50_000_000));
    expect(bomb.byteLength).toBeLessThan(100_000);
    routes.set('/feed', (_request, response) => {
      response.writeHead(200, { 'content-encoding': 'gzip' }).end(bomb);
    });
    expect(await fetched('/feed')).toEqual({
      kind: 'failed',
      reason: 'the feed has more than 1000000 bytes decompressed, the limit',
      fault: 'size',
    });
  });

  test('a host that falls silent is given up after the idle time', async () => {
    routes.set('/headers', () => {});
    routes.set('/body', (_request, response) => void response.writeHead(200).write('<rss>'));
    const failed = {
      kind: 'failed',
      reason: 'the host sent nothing for 0.1 s',
      fault: 'network',
    };
    expect(await fetched('/headers', { idleMs: 100 })).toEqual(failed);
    expect(await fetched('/body', { idleMs: 100 })).toEqual(failed);
  });

  test('a body that drips for ever ends with the total time', async () => {
    let drip: NodeJS.Timeout | undefined;
    routes.set('/feed', (_request, response) => {
      response.writeHead(200);
      drip = setInterval(() => response.write('x'), 10);
      response.on('close', () => clearInterval(drip));
    });
    expect(await fetched('/feed', { totalMs: 200 })).toEqual({
      kind: 'failed',
      reason: 'the feed took longer than 0.2 s',
      fault: 'network',
    });
    clearInterval(drip);
  });

  test('an abort rejects with its reason', async () => {
    const abort = new AbortController();
    routes.set('/feed', () => abort.abort(new Error('stopping')));
    const options = {
      dispatcher,
      userAgent: 'x',
      wireBytesMax: 1,
      bytesMax: 1,
      totalMs: 9_000,
      idleMs: 9_000,
    };
    const request = { url: `${origin}/feed`, etag: null, lastModified: null };
    await expect(fetchFeed(request, options, abort.signal)).rejects.toThrow('stopping');
  });
});

describe('what asking again soon cannot change', () => {
  test('is an address that the guard refuses, with what to do about it', async () => {
    const guarded = guardedAgent({
      allowPrivate: false,
      connectionsMax: 1,
      connectTimeoutMs: 5_000,
    });
    try {
      expect(await fetched('/feed', { dispatcher: guarded })).toEqual({
        kind: 'failed',
        reason:
          '127.0.0.1 is not a public address; set network.allowPrivate to true if it may be reached',
        fault: 'address',
      });
      expect(seen).toEqual([]);
    } finally {
      await guarded.destroy();
    }
  });

  test.each(['ftp', 'http'])('is a %s URL that cannot be asked', async (scheme) => {
    const url = scheme === 'ftp' ? 'ftp://feeds.example/a' : 'http://';
    expect(await fetchedUrl(url)).toEqual({
      kind: 'failed',
      reason: 'the URL is not one of a feed: it must begin with http:// or https://',
      fault: 'url',
    });
  });

  test('is a redirect to another scheme', async () => {
    routes.set('/a', redirect(301, 'ftp://feeds.example/a'));
    expect(await fetched('/a')).toMatchObject({ kind: 'failed', fault: 'url' });
  });
});

describe('trouble of the network is an outcome', () => {
  const gone = async () => {
    const closed = createServer();
    await new Promise<void>((resolve) => closed.listen(0, '127.0.0.1', resolve));
    const { port } = closed.address() as AddressInfo;
    await new Promise((resolve) => closed.close(resolve));
    return port;
  };

  test('a refused connection', async () => {
    const outcome = await fetched(`http://me:hunter2@127.0.0.1:${await gone()}/feed?token=hunter2`);
    expect(outcome).toEqual({
      kind: 'failed',
      reason: 'the host refused the connection',
      fault: 'network',
    });
  });

  test('a connection that breaks off in the body', async () => {
    routes.set('/feed', (_request, response) => {
      response
        .writeHead(200, { 'content-length': '1000' })
        .write('<rss>', () => response.destroy());
    });
    expect(await fetched('/feed')).toMatchObject({
      kind: 'failed',
      reason: 'the connection broke off',
    });
  });

  test('a body cut off inside its compression, and one that is not compressed at all', async () => {
    const whole = gzipSync(FEED.repeat(50));
    const reason = 'the body is not what its content encoding says, or was cut off';
    for (const body of [whole.subarray(0, whole.byteLength / 2), Buffer.from(FEED)]) {
      routes.set('/feed', (_request, response) => {
        response.writeHead(200, { 'content-encoding': 'gzip' }).end(body);
      });
      expect(await fetched('/feed')).toEqual({ kind: 'failed', reason, fault: 'network' });
    }
  });

  test('an encoding that was not asked for', async () => {
    routes.set('/feed', (_request, response) => {
      response.writeHead(200, { 'content-encoding': 'rot13' }).end(FEED);
    });
    expect(await fetched('/feed')).toMatchObject({ kind: 'failed', fault: 'document' });
  });
});
