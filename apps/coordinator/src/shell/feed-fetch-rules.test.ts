import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { classify } from '@podctl/domain/feed/poll.ts';
import { Agent } from 'undici';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { type BodyRoom, BodyRooms } from './body-room.ts';
import { type FeedRequest, fetchFeed } from './feed-fetch.ts';

const NEVER = new AbortController().signal;
const FEED = '<rss><channel/></rss>';
const dispatcher = new Agent();
const seen: IncomingMessage[] = [];
let answer: (request: IncomingMessage, response: ServerResponse) => void;
let server: Server;

beforeAll(async () => {
  server = createServer((request, response) => {
    seen.push(request);
    answer(request, response);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
});
beforeEach(() => void seen.splice(0));
afterAll(async () => {
  await dispatcher.destroy();
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
});

const fetched = (some: Partial<FeedRequest> = {}) => {
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/feed`;
  const limits = { wireBytesMax: 100_000, bytesMax: 100_000, totalMs: 5_000, idleMs: 5_000 };
  const names = { userAgent: 'own', fallbackUserAgent: 'other' };
  const request = { url, etag: null, lastModified: null, ...some };
  return fetchFeed(request, { dispatcher, ...limits, ...names }, NEVER);
};

describe('a host that refuses our name', () => {
  const only = (name: string) => (request: IncomingMessage, response: ServerResponse) => {
    const isTaken = request.headers['user-agent'] === name;
    response.writeHead(isTaken ? 200 : 403).end(isTaken ? FEED : 'no');
  };
  const asked = () => seen.map(({ headers }) => headers['user-agent']);

  test('is asked once under the other one, and after that under it at first', async () => {
    answer = only('other');
    expect(await fetched()).toMatchObject({ status: 200, fallbackAgent: true });
    const again = await fetched({ fallbackAgent: true });
    expect(again).toMatchObject({ status: 200, fallbackAgent: true });
    expect(asked()).toEqual(['own', 'other', 'other']);
  });

  test('no more is asked under our own again', async () => {
    answer = only('own');
    const outcome = await fetched({ fallbackAgent: true });
    expect(outcome).toMatchObject({ status: 200, fallbackAgent: false });
  });

  test('and the other one too has failed after two requests', async () => {
    answer = only('nobody');
    const outcome = await fetched();
    expect(classify(outcome, 0)).toMatchObject({
      kind: 'failed',
      reason: 'the host refuses us (403)',
    });
    expect(asked()).toEqual(['own', 'other']);
  });
});

test('"unchanged" to a question for the whole feed is a failure', async () => {
  answer = (_request, response) => void response.writeHead(304).end();
  expect(classify(await fetched(), 0)).toMatchObject({
    kind: 'failed',
    reason: expect.stringContaining('"unchanged" (304)'),
  });
  expect(classify(await fetched({ etag: '"1"' }), 0)).toMatchObject({ kind: 'unchanged' });
});

test('a large body is read on when there is room for it', async () => {
  answer = (_request, response) => void response.writeHead(200).end('x'.repeat(5_000));
  const rooms = new BodyRooms({ smallBytes: 1_000, largeMax: 1 });
  const [taken, own] = [rooms.open(), rooms.open()];
  expect(taken.grow(2_000, NEVER)).toBeNull();
  const waits = Promise.withResolvers<void>();
  const room: BodyRoom = {
    grow: (bytes, signal) => {
      const wait = own.grow(bytes, signal);
      if (wait !== null) waits.resolve();
      return wait;
    },
    leave: () => own.leave(),
  };
  const outcome = fetched({ room });
  await waits.promise;
  taken.leave();
  expect(await outcome).toMatchObject({ status: 200, wireBytes: 5_000 });
});
