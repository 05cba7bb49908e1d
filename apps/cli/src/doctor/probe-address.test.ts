import { once } from 'node:events';
import { createServer, type Server, type Socket } from 'node:net';
import { createServer as createTlsServer } from 'node:tls';
import {
  issueForServer,
  type KeyedCertificate,
  makeCa,
} from '@podctl/platform/authority/certificates.ts';
import { afterEach, beforeAll, describe, expect, it } from 'vitest';
import { judgeTls } from './core/judge-reach.ts';
import { probeCoordinatorAddress } from './probe-address.ts';

const DAY = 86_400_000;
const ours = { fromMs: Date.now() - DAY, toMs: Date.now() + 300 * DAY };
const { signal } = new AbortController();
const servers: Server[] = [];
let ca: KeyedCertificate;
let otherCa: KeyedCertificate;

beforeAll(async () => {
  ca = await makeCa(ours);
  otherCa = await makeCa(ours);
});

afterEach(async () => {
  for (const server of servers.splice(0)) {
    server.close();
    await once(server, 'close');
  }
});

async function listening(server: Server): Promise<string> {
  servers.push(server);
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  return `127.0.0.1:${typeof address === 'object' ? address?.port : 0}`;
}

function plain(onConnection: (socket: Socket) => void): Server {
  return createServer((socket) => {
    socket.on('error', () => undefined);
    onConnection(socket);
  });
}

async function secure(
  from: KeyedCertificate,
  hosts: readonly string[],
  validity = ours,
): Promise<string> {
  const { certPem: cert, keyPem: key } = await issueForServer(from, hosts, validity);
  const server = createTlsServer({ cert, key, ALPNProtocols: ['h2'] });
  server.on('tlsClientError', () => undefined);
  return listening(server);
}

/** A port that somebody had, and nobody has now. */
async function freeAddress(): Promise<string> {
  const server = createServer();
  const address = await listening(server);
  servers.pop();
  server.close();
  await once(server, 'close');
  return address;
}

async function seenOf(address: string, trusted: string | null): Promise<string> {
  const facts = await probeCoordinatorAddress(address, trusted, signal);
  const inner = { identity: null, server: null, problem: null, agents: null, diagnosis: null };
  const check = judgeTls({
    nowMs: Date.now(),
    addresses: [facts],
    sync: { kind: 'unknown' },
    ...inner,
  });
  return `${check.outcome}: ${check.seen.replace(address, 'ADDRESS')}`;
}

describe('the TLS of a coordinator', () => {
  it('that is right is told with its days left', async () => {
    const address = await secure(ca, ['127.0.0.1']);
    expect(await seenOf(address, ca.certPem)).toMatch(
      /^ok: TLSv1\.3, the certificate of ADDRESS is good for 299d23h more$/,
    );
  });

  it('that has expired is told as that, and nothing else', async () => {
    const past = { fromMs: Date.now() - 10 * DAY, toMs: Date.now() - DAY };
    const address = await secure(ca, ['127.0.0.1'], past);
    expect(await seenOf(address, ca.certPem)).toBe(
      'fail: the certificate of the coordinator at ADDRESS has expired, or the clock here is ahead',
    );
  });

  it('of another fleet is told as that', async () => {
    const address = await secure(otherCa, ['127.0.0.1']);
    expect(await seenOf(address, ca.certPem)).toContain(
      'fail: the certificate of the coordinator at ADDRESS is not from the CA',
    );
  });

  it('for another name is told as that', async () => {
    const address = await secure(ca, ['10.9.8.7']);
    expect(await seenOf(address, ca.certPem)).toBe(
      'fail: the certificate of the coordinator at ADDRESS is for other addresses',
    );
  });

  it('that is not there is told as that', async () => {
    const greeter = plain((socket) => socket.end('hello\n', () => socket.destroySoon()));
    expect(await seenOf(await listening(greeter), ca.certPem)).toContain(
      'fail: what listens at ADDRESS does not speak TLS',
    );
  });

  it('that nobody named a CA for is told as that', async () => {
    const address = await secure(ca, ['127.0.0.1']);
    expect(await seenOf(address, null)).toContain(
      'fail: what listens at ADDRESS hangs up on a connection without TLS',
    );
    const rude = plain((socket) => socket.destroy());
    expect(await seenOf(await listening(rude), null)).toBe(
      'ok: nothing is encrypted, on this machine only',
    );
  });
});

it('a port where nothing listens is refused at once, and its TLS is not asked', async () => {
  const address = await freeAddress();
  expect(await probeCoordinatorAddress(address, null, signal)).toEqual({
    ...{ address, isLoopback: true, tls: { kind: 'unasked' } },
    tcp: { kind: 'unseen', why: 'nothing listens there (connection refused)', fix: null },
  });
});

it('an abort ends it at once', async () => {
  const silent = plain((socket) => socket.resume());
  const address = await listening(silent);
  const leaving = new AbortController();
  const asked = once(silent, 'connection');
  const probing = probeCoordinatorAddress(address, ca.certPem, leaving.signal);
  await asked;
  leaving.abort(new Error('left'));
  await expect(probing).rejects.toThrow('left');
});
