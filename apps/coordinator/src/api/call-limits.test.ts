import { connect as connectHttp2, type OutgoingHttpHeaders } from 'node:http2';
import { connect as connectPlain } from 'node:net';
import { connect as connectTls } from 'node:tls';
import { type Client, status } from '@grpc/grpc-js';
import type { FeedId } from '@podctl/domain/ids.ts';
import { ManualClock } from '@podctl/platform/twin/manual-clock.ts';
import { AddFeedsRequest } from '@podctl/proto/podctl/v1/feed.ts';
import { FleetServiceClient } from '@podctl/proto/podctl/v1/fleet.ts';
import { afterEach, describe, expect, test } from 'vitest';
import { reader, until } from '../../../../test/support/api-bundle.ts';
import {
  bearer,
  callRaw,
  cleanUpSecure,
  type Outcome,
  secureApi,
  trusting,
} from '../../../../test/support/secure-api.ts';

const whoAmI = { path: '/podctl.v1.AccessService/WhoAmI', responseStream: false };
const listFeeds = { path: '/podctl.v1.FeedService/ListFeeds', responseStream: false };
const addFeeds = { path: '/podctl.v1.FeedService/AddFeeds', responseStream: false };
const watch = { path: '/podctl.v1.FleetService/Watch', responseStream: true };
const check = { path: '/grpc.health.v1.Health/Check', responseStream: false };
const healthWatch = { path: '/grpc.health.v1.Health/Watch', responseStream: true };
const secret = 'zz-sent-by-a-stranger-zz';

const opened: { destroy(): void }[] = [];
afterEach(async () => {
  for (const connection of opened.splice(0)) connection.destroy();
  await cleanUpSecure();
});

async function withViewer(clock = new ManualClock()) {
  const api = await secureApi(clock);
  const token = api.access.grant('vera', 'viewer').text;
  const client = api.connect();
  const ask = (method = whoAmI, metadata = bearer(token), request?: Buffer) =>
    callRaw(client, method, metadata, request);
  return { ...api, clock, token, client, ask };
}

async function many(count: number, call: () => Promise<Outcome>): Promise<Map<status, number>> {
  const codes = new Map<status, number>();
  for (const { code } of await Promise.all(Array.from({ length: count }, call)))
    codes.set(code, (codes.get(code) ?? 0) + 1);
  return codes;
}

/** Streams that stay open; resolves when each has its first message or its error. */
async function openStreams(client: Client, token: string | null, count: number, path = watch.path) {
  const same = (bytes: Buffer) => bytes;
  const none = Buffer.alloc(0);
  const calls = Array.from({ length: count }, () =>
    client.makeServerStreamRequest(path, same, same, none, bearer(token)),
  );
  const codes = calls.map(
    (call) =>
      new Promise<status>((resolve) => {
        call.once('data', () => resolve(status.OK));
        call.on('error', (error: { code: status }) => resolve(error.code));
      }),
  );
  return { calls, codes: await Promise.all(codes) };
}

/** One request in HTTP/2 as a stranger may write it; gives its headers and trailers. */
async function raw(
  api: { address: string; certificate: { current: { caPem: string } } },
  headers: OutgoingHttpHeaders,
  body = Buffer.alloc(5),
) {
  const session = connectHttp2(`https://${api.address}`, { ca: api.certificate.current.caPem });
  opened.push(session);
  const stream = session.request({
    ':method': 'POST',
    'content-type': 'application/grpc',
    te: 'trailers',
    ...headers,
  });
  const told: OutgoingHttpHeaders = {};
  const closed = new Promise((resolve) => stream.once('close', resolve));
  stream.on('response', (given) => Object.assign(told, given));
  stream.on('trailers', (given) => Object.assign(told, given));
  stream.on('error', () => undefined);
  stream.resume();
  stream.end(body);
  await closed;
  return told;
}

describe('calls of one person', () => {
  test('are limited to 200 at once and 100 a second, and others go on', async () => {
    const api = await withViewer();
    const codes = new Map<status, number>();
    for (let n = 0; n < 21; n++)
      for (const [code, count] of await many(10, () => api.ask()))
        codes.set(code, (codes.get(code) ?? 0) + count);
    expect(codes).toEqual(
      new Map([
        [status.OK, 200],
        [status.RESOURCE_EXHAUSTED, 10],
      ]),
    );
    const refused = await api.ask();
    expect(refused.details).toBe('too many calls came in a short time: ask again in 1 s');
    expect(refused.metadata.get('grpc-retry-pushback-ms')).toEqual(['10']);
    expect(api.refused).toContain('rate');
    const other = api.access.grant('otto', 'viewer').text;
    expect((await api.ask(whoAmI, bearer(other))).code).toBe(status.OK);
    await api.clock.advance(10);
    expect((await api.ask()).code).toBe(status.OK);
    expect((await api.ask()).code).toBe(status.RESOURCE_EXHAUSTED);
  });

  test('are 16 streams at most, and a place is free again when one ends', async () => {
    const api = await withViewer();
    const { calls, codes } = await openStreams(api.client, api.token, 16);
    expect(codes).toEqual(Array.from({ length: 16 }, () => status.OK));
    expect((await api.ask(watch)).details).toBe(
      '16 streams of yours run already: end some of them, then ask again',
    );
    expect(api.refused).toEqual(['concurrency']);
    expect((await api.ask()).code).toBe(status.OK);
    calls[0]?.cancel();
    await until(() => api.server.watchers === 15);
    expect((await api.ask(watch)).code).toBe(status.OK);
  });

  test('end within 5 s when the person is put out: a stream is cut at once, with its reason', async () => {
    const api = await withViewer();
    const fleets = new FleetServiceClient(api.address, trusting(api.certificate.current.caPem));
    const next = reader(fleets.watch({ intervalMs: 0 }, bearer(api.token)));
    await next();
    const ended = next().catch((error: unknown) => error);
    await api.access.revokeUser('vera');
    expect(await ended).toMatchObject({ code: status.UNAUTHENTICATED });
    await until(() => api.server.watchers === 0);
    expect((await api.ask()).code).toBe(status.UNAUTHENTICATED);
    fleets.close();
  });

  test('end when the person may do less than they need, and go on when it is still enough', async () => {
    const api = await withViewer();
    const token = api.access.grant('olga', 'admin').text;
    const fleets = new FleetServiceClient(api.address, trusting(api.certificate.current.caPem));
    const next = reader(fleets.watch({ intervalMs: 100 }, bearer(token)));
    await next();
    api.access.changeRole('olga', 'viewer');
    api.fleet.feed('alpha' as FeedId);
    await until(() => api.clock.sleeping() > 1);
    await api.clock.advance(1_000);
    expect((await next()).message?.$case).toBe('delta');
    fleets.close();
  });
});

describe('strangers', () => {
  test('are told of 20 wrong tokens an address, then to wait; a good token is let in all the while', async () => {
    const api = await withViewer();
    const wrong = bearer(`pu1.vera.${'a'.repeat(32)}`);
    const codes = await many(30, () => api.ask(whoAmI, wrong));
    expect(codes).toEqual(
      new Map([
        [status.UNAUTHENTICATED, 20],
        [status.RESOURCE_EXHAUSTED, 10],
      ]),
    );
    expect(api.refused.filter((reason) => reason === 'failed_logins')).toHaveLength(10);
    expect((await api.ask()).code).toBe(status.OK);
    await api.clock.advance(2_000);
    expect((await api.ask(whoAmI, wrong)).code).toBe(status.UNAUTHENTICATED);
    expect((await api.ask(whoAmI, wrong)).code).toBe(status.RESOURCE_EXHAUSTED);
  });

  test('are each told to the audit log as refused, which makes lines of them', async () => {
    const api = await withViewer();
    const wrong = bearer(`pu1.vera.${'a'.repeat(32)}`);
    await many(60, () => api.ask(whoAmI, wrong));
    expect(api.audited.filter(({ refused }) => refused)).toHaveLength(60);
    expect(api.refused).toHaveLength(60);
  });

  test('may check the health 50 times at once, 10 a second', async () => {
    const api = await withViewer();
    const stranger = bearer(null);
    for (let n = 0; n < 5; n++)
      expect(await many(10, () => api.ask(check, stranger))).toEqual(new Map([[status.OK, 10]]));
    expect((await api.ask(check, stranger)).code).toBe(status.RESOURCE_EXHAUSTED);
    expect((await api.ask()).code).toBe(status.OK);
    await api.clock.advance(100);
    expect((await api.ask(check, stranger)).code).toBe(status.OK);
  });

  test('watch the health 16 at a time from one address', async () => {
    const api = await withViewer();
    const { codes } = await openStreams(api.client, null, 17, healthWatch.path);
    expect(codes.filter((code) => code === status.OK)).toHaveLength(16);
    expect(api.refused).toEqual(['concurrency']);
    expect((await api.ask()).code).toBe(status.OK);
  });

  test('cannot have a service of their own name watched', async () => {
    const api = await withViewer();
    const named = Buffer.concat([Buffer.from([0x0a, secret.length]), Buffer.from(secret)]);
    for (const method of [check, healthWatch]) {
      const answer = await api.ask(method, bearer(null), named);
      expect(answer.code).toBe(status.NOT_FOUND);
      expect(answer.details).not.toContain(secret);
    }
  });
});

describe('a request', () => {
  test('of more than 64 KiB is refused before it is read, but for AddFeeds', async () => {
    const api = await withViewer();
    const token = bearer(api.access.grant('olga', 'operator').text);
    const large = Buffer.alloc(65 * 1_024);
    expect(await api.ask(listFeeds, token, large)).toMatchObject({
      code: status.RESOURCE_EXHAUSTED,
      details: 'this request is larger than it may be: ask for less at once',
    });
    expect(api.refused).toEqual(['message_size']);
    const url = `https://example.org/${'x'.repeat(70_000)}`;
    const feed = { url, title: '', bookScore: undefined, feedId: '' };
    const feeds = Buffer.from(AddFeedsRequest.encode({ feeds: [feed] }).finish());
    expect((await api.ask(addFeeds, token, feeds)).code).toBe(status.OK);
  });

  test('that announces 16 MiB to a read is refused by its first five bytes', async () => {
    const api = await withViewer();
    const head = Buffer.from([0, 1, 0, 0, 0]);
    const told = await raw(
      api,
      { ':path': listFeeds.path, authorization: `Bearer ${api.token}` },
      head,
    );
    expect(told['grpc-status']).toBe(String(status.RESOURCE_EXHAUSTED));
  });

  test('whose bytes do not come is given up after 45 s', async () => {
    const api = await withViewer();
    const session = connectHttp2(`https://${api.address}`, { ca: api.certificate.current.caPem });
    opened.push(session);
    const headers = { ':method': 'POST', 'content-type': 'application/grpc', te: 'trailers' };
    const stream = session.request({
      ...headers,
      ':path': listFeeds.path,
      authorization: `Bearer ${api.token}`,
    });
    stream.on('error', () => undefined);
    const answered = new Promise<OutgoingHttpHeaders>((resolve) =>
      stream.once('response', resolve),
    );
    await until(() => api.clock.sleeping() === 1);
    await api.clock.advance(45_000);
    expect((await answered)['grpc-status']).toBe(String(status.RESOURCE_EXHAUSTED));
    expect(api.refused).toEqual(['message_time']);
    expect(api.clock.sleeping()).toBe(0);
  });

  test('with more than 8 KiB of metadata is refused', async () => {
    const api = await withViewer();
    const metadata = bearer(api.token);
    metadata.set('x-much', 'y'.repeat(9_000));
    expect((await api.ask(whoAmI, metadata)).code).toBe(status.RESOURCE_EXHAUSTED);
    expect(api.refused).toEqual(['metadata_size']);
  });

  test('that cannot be read is the fault of who sent it, and not quoted', async () => {
    const api = await withViewer();
    const nonsense = Buffer.from([0x0a, 0xff, 0xff, 0xff]);
    expect((await api.ask(listFeeds, bearer(api.token), nonsense)).code).toBe(
      status.INVALID_ARGUMENT,
    );
    const path = { ':path': listFeeds.path, authorization: `Bearer ${api.token}` };
    const compressed = Buffer.from([1, 0, 0, 0, 1, 0]);
    const answers = [
      await raw(api, { ...path, 'grpc-encoding': secret }, compressed),
      await raw(api, { ...path, 'grpc-timeout': secret }),
    ];
    expect(JSON.stringify(answers)).not.toContain(secret);
    expect(answers.map((told) => told['grpc-status'])).toEqual(['3', '3']);
    expect(api.bugs).toEqual([]);
    expect((await api.ask()).code).toBe(status.OK);
  });
});

describe('no error quotes what was sent', () => {
  test.each([
    ['/podctl.v1.EpisodeService/GetEpisode', 0x0a],
    ['/podctl.v1.EpisodeService/ListEpisodes', 0x0a],
    ['/podctl.v1.FeedService/ListFeeds', 0x12],
    ['/podctl.v1.TranscriptService/GetTranscript', 0x0a],
    ['/podctl.v1.LockService/ReleaseLock', 0x0a],
    ['/podctl.v1.AgentService/GetAgent', 0x0a],
    ['/podctl.v1.AccessService/CreateUser', 0x0a],
    ['/podctl.v1.AccessService/RevokeUser', 0x0a],
    ['/podctl.v1.AccessService/RevokeAgent', 0x0a],
    ['/podctl.v1.AccessService/RevokeJoinToken', 0x0a],
    ['/podctl.v1.AccessService/CreateJoinToken', 0x1a],
    ['/podctl.v1.AccessService/ListUsers', 0x12],
  ])('%s', async (path, field) => {
    const api = await withViewer();
    const admin = bearer(api.access.grant('ada', 'admin').text);
    const text = Buffer.from(`<${secret}>\u001b[31m`);
    const request = Buffer.concat([Buffer.from([field, text.length]), text]);
    const responseStream = path.endsWith('GetTranscript');
    const answer = await api.ask({ path, responseStream }, admin, request);
    expect([status.INVALID_ARGUMENT, status.NOT_FOUND]).toContain(answer.code);
    expect(answer.details).not.toContain(secret);
    expect(answer.details).not.toContain('31m');
  });
});

test('a method that is not there is refused in fixed words, and so often by one address', async () => {
  const api = await withViewer();
  const unknown = { path: `/podctl.v1.FleetService/${secret}`, responseStream: false };
  const answer = await api.ask(unknown);
  expect(answer.code).toBe(status.UNIMPLEMENTED);
  expect(answer.details).toMatch(/^this coordinator has no such method/);
  expect(JSON.stringify([api.audited, api.calls])).not.toContain(secret);
  expect(await many(20, () => api.ask(unknown))).toEqual(
    new Map([
      [status.UNIMPLEMENTED, 19],
      [status.RESOURCE_EXHAUSTED, 1],
    ]),
  );
  expect((await api.ask()).code).toBe(status.OK);
  expect(api.bugs).toEqual([]);
});

describe('connections', () => {
  test('of TLS 1.2 and those that speak no HTTP/2 are refused, and counted', async () => {
    const api = await withViewer();
    const [host, port] = api.address.split(':');
    const to = {
      host,
      port: Number(port),
      ca: api.certificate.current.caPem,
      servername: 'localhost',
    };
    const refused = (socket: ReturnType<typeof connectPlain>) =>
      new Promise((resolve) => socket.once('error', () => undefined).once('close', resolve));
    await refused(connectTls({ ...to, maxVersion: 'TLSv1.2', ALPNProtocols: ['h2'] }));
    await refused(connectTls({ ...to, ALPNProtocols: ['http/1.1'] }));
    const plain = connectPlain({ port: Number(port), host: host ?? '' });
    plain.write('GET / HTTP/1.1\r\n\r\n');
    await refused(plain);
    await until(() => api.refused.length === 3);
    expect(new Set(api.refused)).toEqual(new Set(['handshake']));
  });

  test('are 128 at most from one address', async () => {
    const api = await withViewer();
    await api.ask();
    const port = Number(api.address.split(':')[1]);
    const sockets = Array.from({ length: 130 }, () => connectPlain(port, '127.0.0.1'));
    for (const socket of sockets) opened.push(socket.on('error', () => undefined));
    await until(() => api.refused.length === 3);
    expect(new Set(api.refused)).toEqual(new Set(['connections']));
    expect((await api.ask()).code).toBe(status.OK);
  });

  test('are taken 256 at once from one address, 32 a second', async () => {
    const api = await withViewer();
    const port = Number(api.address.split(':')[1]);
    const tried = async () => {
      const socket = connectPlain(port, '127.0.0.1').on('error', () => undefined);
      opened.push(socket);
      const closed = new Promise((resolve) => socket.once('close', resolve));
      socket.end('x');
      await closed;
    };
    for (let n = 0; n < 8; n++) await Promise.all(Array.from({ length: 32 }, tried));
    await until(() => api.refused.length === 256);
    expect(new Set(api.refused)).toEqual(new Set(['handshake']));
    await tried();
    await until(() => api.refused.at(-1) === 'connections');
    await api.clock.advance(1_000);
    expect((await api.ask()).code).toBe(status.OK);
  });

  test('are all ended by a stop, also one whose handshake never ends', async () => {
    const api = await withViewer();
    const socket = connectPlain(Number(api.address.split(':')[1]), '127.0.0.1');
    const closed = new Promise((resolve) =>
      socket.once('error', () => undefined).once('close', resolve),
    );
    await api.ask();
    const stopped = api.server.stop();
    await until(() => api.clock.sleeping() === 1);
    await api.clock.advance(2_000);
    await Promise.all([stopped, closed]);
    expect(api.access.listeners).toBe(0);
  });
});
