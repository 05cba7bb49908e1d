import { createServer, type Server as TcpServer } from 'node:net';
import {
  Server,
  ServerCredentials,
  type ServerUnaryCall,
  type sendUnaryData,
  status,
} from '@grpc/grpc-js';
import type { AgentId, FeedId } from '@podctl/domain/ids.ts';
import { BusError } from '@podctl/platform/bus.ts';
import { Stage } from '@podctl/proto/podctl/v1/episode.ts';
import { FeedServiceService } from '@podctl/proto/podctl/v1/feed.ts';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { type ApiBundle, apiBundle, cleanUp } from '../../../test/support/api-bundle.ts';
import { held } from '../../../test/support/stage-change.ts';
import { CoordinatorClient } from './client.ts';
import { EXIT } from './command-error.ts';

const PAGE = { pageSize: 0, pageToken: '' };
const alpha = 'alpha' as FeedId;
const origin = 'from the test';
/** Nobody listens on the port of tcpmux here. */
const NOBODY = '127.0.0.1:1';

let api: ApiBundle;
const clients: CoordinatorClient[] = [];
const servers: Server[] = [];
let silent: TcpServer;

beforeEach(async () => {
  api = await apiBundle();
  api.fleet.feed(alpha);
});
afterEach(async () => {
  for (const client of clients.splice(0)) client.close();
  silent?.close();
  for (const server of servers.splice(0)) server.forceShutdown();
  await cleanUp();
});

function client(...addresses: string[]): CoordinatorClient {
  const made = new CoordinatorClient({ addresses, origin, ca: null, token: null }, 10_000);
  clients.push(made);
  return made;
}

describe('a client of several coordinators', () => {
  test('asks the next one when nobody is at an address, and stays with it', async () => {
    const some = client(NOBODY, api.address);
    expect((await some.listFeeds(PAGE)).feeds).toMatchObject([{ feedId: 'alpha' }]);
    expect(some.address).toBe(api.address);
  });

  test('goes past a host that takes connections and says nothing', async () => {
    silent = createServer(() => {});
    await new Promise<void>((resolve) => silent.listen(0, '127.0.0.1', resolve));
    const bound = silent.address();
    if (bound === null || typeof bound === 'string') throw new Error('not bound');
    const some = client(`127.0.0.1:${bound.port}`, api.address);
    expect((await some.listFeeds(PAGE)).feeds).toHaveLength(1);
  });

  test('names them all when none is there', async () => {
    await expect(client(NOBODY, '127.0.0.1:2').listFeeds(PAGE)).rejects.toMatchObject({
      exitCode: EXIT.unavailable,
      message: expect.stringContaining(`${NOBODY} or 127.0.0.1:2`),
    });
  });

  test('takes a refusal for an answer', async () => {
    const other = await apiBundle();
    await expect(client(api.address, other.address).getEpisode('aaaa')).rejects.toMatchObject({
      exitCode: EXIT.notFound,
    });
    expect(other.calls).toEqual([]);
  });

  test('opens a stream at the next one when nobody is at an address', async () => {
    const some = client(NOBODY, api.address);
    for await (const first of some.watch(500, new AbortController().signal)) {
      expect(first.sequence).toBe(1n);
      break;
    }
    expect(some.address).toBe(api.address);
  });

  test('opens a watch at the next one after it lost the first', async () => {
    const other = await apiBundle();
    const some = client(api.address, other.address);
    const stop = new AbortController();
    const lost = async () => {
      for await (const _ of some.watch(500, stop.signal)) await api.server.stop();
    };
    await expect(lost()).rejects.toMatchObject({ exitCode: EXIT.unavailable });
    for await (const first of some.watch(500, stop.signal)) {
      expect(first.sequence).toBe(1n);
      break;
    }
    expect(some.address).toBe(other.address);
  });

  test('does not take away a lock twice when it cannot know whether it was done once', async () => {
    const other = await apiBundle();
    const change = held('download', { agent: 'gpu-1' as AgentId, session: 3, token: 8 });
    for (const { fleet } of [api, other]) fleet.feed(alpha);
    const [id] = [api, other].map(({ fleet }) => fleet.episode(alpha, 1, change));
    api.fleet.releaseFailure = new BusError('timeout', 'order');
    const release = (token: bigint) =>
      client(api.address, other.address).releaseLock({
        ...{ episodeId: id ?? '', stage: Stage.DOWNLOAD, token },
      });
    await expect(release(0n)).rejects.toMatchObject({ exitCode: EXIT.unavailable });
    expect(other.calls).toEqual([]);
    // With its token it is the same lock at every time.
    expect(await release(8n)).toMatchObject({ token: 8n });
    expect(other.calls).toEqual(['ReleaseLock OK']);
  });
});

test('an error says its reason, the hint and the field beside the sentence', async () => {
  const some = client(api.address);
  await expect(some.listEpisodes('alpah', PAGE)).rejects.toMatchObject({
    exitCode: EXIT.notFound,
    details: {
      reason: 'FEED_NOT_FOUND',
      hint: '"podctl feed list" shows them',
      field: '',
    },
  });
  await expect(some.listFeeds({ ...PAGE, pageSize: 5_000 })).rejects.toMatchObject({
    exitCode: EXIT.usage,
    details: { reason: 'INVALID_FIELD', field: 'page_size' },
  });
});

/** Notes the key of each request to add feeds, and answers that it cannot now. */
async function refusing(keys: string[]): Promise<string> {
  const server = new Server();
  const cannot = { code: status.UNAVAILABLE, details: 'not now' };
  server.addService(FeedServiceService, {
    addFeeds: (call: ServerUnaryCall<unknown, unknown>, answer: sendUnaryData<unknown>) => {
      keys.push(String(call.metadata.get('idempotency-key')[0]));
      answer(cannot);
    },
    listFeeds: (_: unknown, answer: sendUnaryData<unknown>) => answer(cannot),
  });
  servers.push(server);
  const plain = ServerCredentials.createInsecure();
  return await new Promise((resolve, reject) =>
    server.bindAsync('127.0.0.1:0', plain, (error, port) =>
      error === null ? resolve(`127.0.0.1:${port}`) : reject(error),
    ),
  );
}

test('a request has one key, whichever coordinator is asked, and the next one another', async () => {
  const keys: string[] = [];
  const some = client(await refusing(keys), await refusing(keys));
  await expect(some.addFeeds([])).rejects.toMatchObject({ exitCode: EXIT.unavailable });
  await expect(some.addFeeds([])).rejects.toMatchObject({ exitCode: EXIT.unavailable });
  expect(keys).toHaveLength(4);
  expect(keys[0]).toMatch(/^[0-9a-f-]{36}$/);
  expect(keys[1]).toBe(keys[0]);
  expect(keys[2]).not.toBe(keys[0]);
  expect(keys[3]).toBe(keys[2]);
});
