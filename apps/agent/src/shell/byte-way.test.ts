import { once } from 'node:events';
import { createServer, type RequestListener, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { systemClock } from '@podctl/platform/clock.ts';
import { Agent } from 'undici';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { ByteClient } from './byte-client.ts';
import { findWay } from './byte-way.ts';
import { StoreClient } from './store-client.ts';

const never = new AbortController().signal;
const LIBRARY = 'abcdefghijklmnop';

let dispatcher: Agent;
let servers: Server[];
beforeEach(() => {
  dispatcher = new Agent();
  servers = [];
});
afterEach(async () => {
  await dispatcher.destroy();
  for (const server of servers) server.close();
});

test('a look for a way asks each coordinator once, whichever the transfers have turned to meanwhile', async () => {
  const asked: string[] = [];
  const bad = await coordinator(async (request, response) => {
    asked.push(`bad ${request.url}`);
    // A transfer that runs has trouble, and turns.
    const answers = ['again', 'ok'] as const;
    let step = 0;
    await client.persist({ signal: never }, async () => {
      const kind = answers[step++] ?? 'ok';
      return kind === 'ok' ? { kind } : { kind, afterMs: 0 };
    });
    response.writeHead(500).end();
  });
  const good = await coordinator((request, response) => {
    asked.push(`good ${request.url}`);
    response.end(JSON.stringify({ library: LIBRARY }));
  });
  const client = clientOf([bad, good]);
  const store = new StoreClient();
  expect(await findWay(client, store, LIBRARY)).toEqual({ problem: null, isDirect: false });
  await store.stop();
  expect(asked).toEqual(['bad /v1/library', 'good /v1/library']);
  // The look itself has turned nothing.
  (await client.ask('GET', '/next', {}, never)).close();
  expect(asked.at(-1)).toBe('good /next');
});

async function coordinator(listener: RequestListener): Promise<string> {
  const server = createServer(listener);
  servers.push(server);
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

function clientOf(coordinators: readonly string[]): ByteClient {
  const moved = () => undefined;
  return new ByteClient({ coordinators, dispatcher, clock: systemClock, random: () => 0, moved });
}
