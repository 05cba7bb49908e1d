import { once } from 'node:events';
import { createServer } from 'node:net';
import { systemClock } from '@podctl/platform/clock.ts';
import {
  connectNats,
  type NatsAuth,
  type NatsEvent,
  type NatsLink,
} from '@podctl/platform/nats/connection.ts';
import type { NatsTls } from '@podctl/platform/nats/tls.ts';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { startNatsServer, type TestNatsServer } from '../support/nats-server.ts';

const never = new AbortController().signal;
const none: NatsAuth = { kind: 'none' };

describe('the connection to a NATS server', () => {
  let server: TestNatsServer;
  let events: NatsEvent[] = [];
  let links: NatsLink[] = [];
  let seen: () => void = () => undefined;

  beforeAll(async () => {
    server = await startNatsServer({
      config: 'authorization { users = [ { user: "coordinator", password: "right" } ] }',
    });
  });
  afterAll(() => server.stop());
  afterEach(async () => {
    for (const link of links) await link.close();
    links = [];
    events = [];
  });

  const connect = async (
    servers: string[],
    auth: NatsAuth,
    signal = never,
    withinMs = 5_000,
    tls?: NatsTls,
  ) => {
    const secured = tls === undefined ? {} : { tls };
    const link = await connectNats(
      { servers, name: 'test', auth, connectWithinMs: withinMs, ...secured },
      {
        clock: systemClock,
        random: Math.random,
        listen: (event) => {
          events.push(event);
          seen();
        },
      },
      signal,
    );
    links.push(link);
    return link;
  };
  const right: NatsAuth = { kind: 'password', user: 'coordinator', password: 'right' };
  const untilEvent = (kind: NatsEvent['kind'], times: number) =>
    new Promise<void>((resolve) => {
      seen = () => {
        if (events.filter((event) => event.kind === kind).length >= times) resolve();
      };
      seen();
    });
  const messageOf = (error: unknown) => (error instanceof Error ? error.message : String(error));

  test('tells of a loss and of the return, and counts them', async () => {
    const link = await connect([server.url], right);
    expect(link.isConnected()).toBe(true);
    await server.restart();
    await untilEvent('connected', 2);
    await link.whenConnected(never);
    expect(link.counts()).toMatchObject({ disconnects: 1, reconnects: 1 });
    const kinds = events.map((event) => event.kind).filter((kind) => kind !== 'trouble');
    expect(kinds).toEqual(['connected', 'disconnected', 'connected']);
    await link.close();
    await link.close();
    expect(events.at(-1)).toEqual({ kind: 'closed', error: null });
    expect(link.isConnected()).toBe(false);
  });

  test('refused credentials end the first connect at once, and no password is printed', async () => {
    const wrong: NatsAuth = { kind: 'password', user: 'coordinator', password: 'wr0ng' };
    const error = await connect([server.url], wrong, never, 60_000).catch(messageOf);
    expect(error).toMatch(/refused the credentials: check the user/);
    expect(error).not.toContain('wr0ng');
    const bare = await connect([server.url], none).catch(messageOf);
    expect(bare).toMatch(/refused the connection without credentials/);
  });

  test('a server that is not there fails in the time given, without the password of its address', async () => {
    const port = await freePort();
    const address = `nats://me:s3cret@127.0.0.1:${port}`;
    const error = await connect([address], none, never, 800).catch(messageOf);
    expect(error).toContain(`NATS at nats://127.0.0.1:${port} could not be reached`);
    expect(error).not.toContain('s3cret');
  });

  test('the first connect is tried again until the server is there', async () => {
    const port = await freePort();
    const connecting = connect([`nats://127.0.0.1:${port}`], none, never, 20_000);
    await untilEvent('trouble', 1);
    const late = await fakeServer('2.15.1', port);
    const link = await connecting;
    expect(link.isConnected()).toBe(true);
    await link.close();
    await late.stop();
  });

  test('the first connect is given up when its signal is aborted', async () => {
    const stop = new AbortController();
    const reason = new Error('stopping');
    const connecting = connect([`nats://127.0.0.1:${await freePort()}`], none, stop.signal, 60_000);
    await untilEvent('trouble', 1);
    stop.abort(reason);
    await expect(connecting).rejects.toBe(reason);
  });

  test('a server before 2.12.3 is refused with its version and what to do', async () => {
    const old = await fakeServer('2.12.1', 0);
    const error = await connect([old.url], none).catch(messageOf);
    expect(error).toMatch(/is 2\.12\.1, but 2\.12\.3 or newer is needed: upgrade it$/);
    await old.stop();
  });

  test('a server that offers no TLS is refused at once by who wants it, before any password is sent', async () => {
    const tls = { ca: '-----BEGIN CERTIFICATE-----' };
    const error = await connect([server.url], right, never, 60_000, tls).catch(messageOf);
    expect(error).toMatch(/offers no TLS, so nobody knows who answers: check the address/);
    const listening = await fakeServer('2.15.1', 0);
    await connect([listening.url], right, never, 60_000, tls).catch(messageOf);
    expect(listening.heard()).toBe('');
    await listening.stop();
  });

  test('a reply subject is fresh each time and under the given prefix', async () => {
    const options = { servers: [server.url], name: 'x', auth: right, inboxPrefix: '_INBOX_x' };
    const ports = { clock: systemClock, random: Math.random, listen: () => undefined };
    const link = await connectNats(options, ports, never);
    links.push(link);
    expect(link.newInbox()).toMatch(/^_INBOX_x\./);
    expect(link.newInbox()).not.toBe(link.newInbox());
  });
});

/** Speaks just enough of the protocol to say which version it is: no old server can be had from the lockfiles. */
async function fakeServer(version: string, port: number) {
  let heard = '';
  const server = createServer((socket) => {
    const info = { server_id: 'fake', version, proto: 1, headers: true, max_payload: 1_048_576 };
    socket.write(`INFO ${JSON.stringify(info)}\r\n`);
    socket.on('data', (data) => {
      heard += data.toString();
      if (data.toString().includes('PING')) socket.write('PONG\r\n');
    });
    socket.on('error', () => socket.destroy());
  });
  server.listen(port, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  const bound = typeof address === 'object' && address !== null ? address.port : 0;
  return {
    url: `nats://127.0.0.1:${bound}`,
    port: bound,
    heard: () => heard,
    stop: () => new Promise<void>((resolve) => server.close(() => resolve())),
  };
}

async function freePort(): Promise<number> {
  const probe = await fakeServer('', 0);
  await probe.stop();
  return probe.port;
}
