import { once } from 'node:events';
import { connect as tcp } from 'node:net';
import { connect, type TLSSocket } from 'node:tls';
import { CREDENTIAL_LIFE_MS } from '@podctl/domain/access.ts';
import { issueForAgent, issueForServer, makeCa } from '@podctl/platform/authority/certificates.ts';
import { leaveFleet, renewCredential } from '@podctl/platform/enrolment-client.ts';
import { makeMachineKeys } from '@podctl/platform/enrolment-client-issue.ts';
import { ManualClock } from '@podctl/platform/twin/manual-clock.ts';
import { request } from 'undici';
import { afterEach, beforeEach, describe, expect, onTestFinished, test } from 'vitest';
import { failToAccept } from '../support/accept-error.ts';
import { agentNamed, asked } from '../support/access-world.ts';
import { ByteWorld } from '../support/byte-world.ts';
import { EnrolmentWorld, type Shown } from './enrolment-world.ts';

const never = new AbortController().signal;
const ROUTES = [
  ['GET', '/v1/library'],
  ['POST', '/v1/renew'],
  ['HEAD', 'file'],
  ['PATCH', 'file'],
] as const;

let world: EnrolmentWorld;
beforeEach(async () => {
  world = await EnrolmentWorld.start();
});
afterEach(() => world.stop());

/** What every closed route answers to who shows this. */
async function answersTo(shown: Shown | null, ticket?: string): Promise<number[]> {
  const { path } = world.hold('one');
  const client = world.client(shown);
  const answers: number[] = [];
  for (const [method, at] of ROUTES) {
    const of = { ...(method === 'PATCH' ? { body: 'x' } : {}), ...(ticket && { ticket }) };
    answers.push((await world.ask(client, method, at === 'file' ? path : at, of)).status);
  }
  return answers;
}

function shownBy(tlsCertPem: string, tlsKeyPem: string): Shown {
  return { tlsCertPem, tlsKeyPem };
}

describe('the byte listener of a fleet with keys', () => {
  test('is closed to who shows no certificate, but for the CA and a join', async () => {
    expect(await answersTo(null)).toEqual([401, 401, 401, 401]);
    const client = world.client(null);
    const ca = await world.ask(client, 'GET', '/v1/ca');
    expect([ca.status, ca.text]).toEqual([200, world.access.authority.ca.certPem]);
    expect((await world.ask(client, 'POST', '/v1/enrol', { body: '{}' })).status).toBe(400);
    expect(await world.page()).toContain(
      'podctl_transfers_refused_total{reason="no_certificate"} 4',
    );
  });

  test('is closed to certificates of another CA, of a server, of no agent here, and of another key', async () => {
    const now = Date.now();
    const validity = { fromMs: now, toMs: now + CREDENTIAL_LIFE_MS };
    const keys = makeMachineKeys();
    const own = world.access.authority.ca;
    const issue = async (ca: typeof own, name: string, from = validity) =>
      shownBy(
        await issueForAgent(ca, agentNamed(name), keys.tlsPublicKeyPem, from),
        keys.tlsKeyPem,
      );
    await world.joined('one');
    const ofServer = await issueForServer(own, ['127.0.0.1'], validity);
    const past = { fromMs: now - 10_000, toMs: now - 1_000 };
    for (const shown of [
      await issue(await makeCa(validity), 'one'),
      shownBy(ofServer.certPem, ofServer.keyPem),
      await issue(own, 'nobody'),
      await issue(own, 'one', past),
      // By the right CA, of a living agent's name: as who has a copy of the CA's key, or an older credential.
      await issue(own, 'one'),
    ])
      expect(await answersTo(shown)).toEqual([403, 403, 403, 403]);
    const page = await world.page();
    for (const row of ['bad_certificate"} 12', 'unknown_agent"} 4', 'other_key"} 4'])
      expect(page).toContain(row);
  });

  test('is open to an agent that joined, until it is revoked or its time is over', async () => {
    const one = await world.joined('one');
    expect(one.coordinators).toEqual([world.url]);
    const { path, ticket } = world.hold('one');
    const client = world.client(one);
    const statuses = async () => [
      (await world.ask(client, 'GET', '/v1/library')).status,
      (await world.ask(client, 'HEAD', path, { ticket })).status,
      (await world.ask(client, 'PATCH', path, { ticket, body: 'sound' })).status,
    ];
    expect(await statuses()).toEqual([200, 200, 204]);
    world.access.aheadMs = CREDENTIAL_LIFE_MS;
    expect(await statuses()).toEqual([403, 403, 403]);
    world.access.aheadMs = 0;
    await world.desk.revokeAgent(agentNamed('one'), 'test');
    expect(await statuses()).toEqual([403, 403, 403]);
    expect((await renewCredential(one, never)).ok).toBe(false);
  });

  test('refuses a stolen ticket that is shown with the certificate of another agent', async () => {
    const [one, two] = [await world.joined('one'), await world.joined('two')];
    const { path, ticket } = world.hold('one');
    const thief = await world.ask(world.client(two), 'PATCH', path, { ticket, body: 'x' });
    expect([thief.status, thief.text]).toEqual([403, 'wrong_agent\n']);
    const holder = await world.ask(world.client(one), 'PATCH', path, { ticket, body: 'x' });
    expect(holder.status).toBe(204);
    expect(await world.page()).toContain('refused_total{reason="wrong_agent"} 1');
  });

  test('renews a credential for its keys, and what is issued works', async () => {
    const one = await world.joined('one');
    const renewed = await renewCredential(one, never);
    if (!renewed.ok) throw new Error(renewed.error.sentence);
    expect(renewed.value.tlsCertPem).not.toBe(one.tlsCertPem);
    const answer = await world.ask(world.client(renewed.value), 'GET', '/v1/library');
    expect(answer.status).toBe(200);
  });

  test('lets an agent put itself out, and no other one', async () => {
    const [one, two] = [await world.joined('one'), await world.joined('two')];
    expect(await leaveFleet(one, never)).toBeNull();
    expect((await renewCredential(one, never)).ok).toBe(false);
    expect((await renewCredential(two, never)).ok).toBe(true);
    // Again, as after a lost answer.
    expect(await leaveFleet(one, never)).toBeNull();
  });

  test('tells who renews or leaves while NATS does not answer to ask again', async () => {
    const one = await world.joined('one');
    world.link.cut();
    for (const path of ['/v1/renew', '/v1/leave']) {
      const { status, headers } = await world.ask(world.client(one), 'POST', path);
      expect([path, status, headers['retry-after']]).toEqual([path, 503, '5']);
    }
    expect(await leaveFleet(one, never)).toMatchObject({ kind: 'unreachable' });
    expect(await world.page()).toContain('refused_total{reason="away"} 3');
  });

  test('ends a transfer that runs as soon as its agent is revoked', async () => {
    const one = await world.joined('one');
    const { path, ticket } = world.hold('one');
    const socket = await plainly(one);
    const head = { host: 'x', authorization: `Bearer ${ticket}`, 'content-length': '1000' };
    const fields = { ...head, 'upload-offset': '0', 'upload-complete': '?0' };
    const lines = Object.entries(fields).map(([name, value]) => `${name}: ${value}\r\n`);
    socket.write(`PATCH ${path} HTTP/1.1\r\n${lines.join('')}\r\nhalf`);
    const row = 'podctl_transfers_active{direction="in"} 1';
    while (!(await world.page()).includes(row)) await new Promise(setImmediate);
    const beganAtMs = performance.now();
    const closed = once(socket.resume(), 'close');
    await world.desk.revokeAgent(agentNamed('one'), 'test');
    await closed;
    expect(performance.now() - beganAtMs).toBeLessThan(2_000);
  });

  test('gives one address so many connections, and no more', async () => {
    const sockets = Array.from({ length: 129 }, () => tcp(placeOf(world)).on('error', () => {}));
    const closed = Promise.race(sockets.map((socket) => once(socket.resume(), 'close')));
    await closed;
    for (const socket of sockets) socket.destroy();
    expect(await world.page()).toContain('refused_total{reason="too_many_connections"} 1');
  });

  test('takes 256 handshakes at once from one address, 32 a second', async () => {
    const clock = new ManualClock(Date.now());
    const still = await EnrolmentWorld.start({ clock });
    onTestFinished(() => still.stop());
    const tried = async () => {
      const socket = tcp(placeOf(still)).on('error', () => {});
      socket.end('x');
      await once(socket.resume(), 'close');
    };
    for (let n = 0; n < 8; n += 1) await Promise.all(Array.from({ length: 32 }, tried));
    const refused = 'refused_total{reason="too_many_connections"}';
    expect(await still.page()).not.toMatch(`${refused} [1-9]`);
    await tried();
    expect(await still.page()).toContain(`${refused} 1`);
    await expect(still.ask(still.client(null), 'GET', '/v1/ca')).rejects.toThrow();
    await clock.advance(1_000);
    expect((await still.ask(still.client(null), 'GET', '/v1/ca')).status).toBe(200);
  });

  test('goes on when a connection cannot be accepted, and says so', async () => {
    await world.stop();
    await failToAccept(async () => {
      world = await EnrolmentWorld.start();
    });
    expect(world.access.lines.join()).toMatch(/EMFILE.*a connection could not be accepted/);
    expect((await world.ask(world.client(null), 'GET', '/v1/ca')).status).toBe(200);
  });

  test('speaks TLS 1.3 and nothing older, and no plain HTTP', async () => {
    const ca = world.access.authority.ca.certPem;
    const old = connect({ ...placeOf(world), ca, maxVersion: 'TLSv1.2' });
    const [error] = (await once(old, 'error')) as [NodeJS.ErrnoException];
    expect(error.code).toMatch(/PROTOCOL_VERSION|ECONNRESET/);
    await expect(fetch(world.url.replace('https', 'http'))).rejects.toThrow('fetch failed');
  });

  test('shows a new certificate to who connects once two thirds of its time are over', async () => {
    const before = await serialSeen();
    world.access.aheadMs = 61 * 86_400_000;
    const changed = new Promise<void>((resolve) => world.certificate.onChange(resolve));
    world.certificate.kick();
    await changed;
    const after = await serialSeen();
    expect(after).not.toBe(before);
  });
});

test('without the keys of a fleet there is nothing to join', async () => {
  const plain = await ByteWorld.start();
  try {
    for (const [method, path] of [
      ['GET', '/v1/ca'],
      ['POST', '/v1/enrol'],
      ['POST', '/v1/renew'],
    ] as const)
      expect((await request(`${plain.url}${path}`, { method })).statusCode).toBe(404);
  } finally {
    await plain.stop();
  }
});

describe('a join request', () => {
  test.each([
    ['that is no JSON', 'not JSON <script>', 400],
    ['of another form', '{"tokenId":"<script>"}', 400],
    ['that is longer than any', 'x'.repeat(8 * 1024 + 1), 413],
  ])('%s is refused, and nothing of it is repeated', async (_what, body, status) => {
    const answer = await world.ask(world.client(null), 'POST', '/v1/enrol', { body });
    expect(answer.status).toBe(status);
    expect(answer.text).toMatch(/^[a-z_]+\n$/);
  });

  test('that does not arrive whole in time is given up, and so is one of chunks without end', async () => {
    const slow = await EnrolmentWorld.start({ limits: { joinMs: 100 } });
    try {
      for (const fields of ['content-length: 100', 'transfer-encoding: chunked']) {
        const socket = await plainly(null, slow);
        const closed = once(socket.resume(), 'close');
        socket.write(`POST /v1/enrol HTTP/1.1\r\nhost: x\r\n${fields}\r\n\r\n4\r\n`);
        await closed;
      }
      expect(await slow.page()).toContain('refused_total{reason="too_slow"} 2');
    } finally {
      await slow.stop();
    }
  });

  test('of one token that two machines send at once lets exactly one of them in', async () => {
    const text = await world.token();
    const joins = await Promise.allSettled([world.joined('one', text), world.joined('two', text)]);
    expect(joins.map(({ status }) => status).sort()).toEqual(['fulfilled', 'rejected']);
    expect(world.desk.credentials()).toHaveLength(1);
  });

  test('for the name of a living agent is a conflict, with what to do, and without what was sent', async () => {
    await world.joined('one');
    const body = Buffer.from(JSON.stringify(asked(await world.token(), 'one')));
    const answer = await world.ask(world.client(null), 'POST', '/v1/enrol', { body });
    expect(answer.status).toBe(409);
    expect(answer.text).toMatch(/^another machine is the agent of this name: .*remove NAME\)\n$/);
    expect(await world.page()).toContain('refused_total{reason="name_taken"} 1');
  });

  test('is not sent to who shows another CA than the token names', async () => {
    const other = await EnrolmentWorld.start();
    try {
      const theirs = (await world.token()).split('.');
      const [, place = ''] = (await other.token()).split('.');
      const sent = [theirs[0], place, ...theirs.slice(2)].join('.');
      await expect(world.joined('one', sent)).rejects.toThrow(/another CA than the token names/);
      expect(other.access.counted).not.toContain('token_refused');
    } finally {
      await other.stop();
    }
  });
});

function placeOf({ url }: EnrolmentWorld) {
  const { hostname: host, port } = new URL(url);
  return { host, port: Number(port) };
}

async function plainly(shown: Shown | null, at = world): Promise<TLSSocket> {
  const ca = at.access.authority.ca.certPem;
  const own = shown === null ? {} : { cert: shown.tlsCertPem, key: shown.tlsKeyPem };
  const socket = connect({ ...placeOf(at), ca, ...own });
  socket.on('error', () => {});
  await once(socket, 'secureConnect');
  return socket;
}

/** Of the certificate that a new connection sees; it may be one of the future. */
async function serialSeen(): Promise<string> {
  const socket = connect({ ...placeOf(world), rejectUnauthorized: false });
  await once(socket, 'secureConnect');
  const { serialNumber } = socket.getPeerCertificate();
  socket.destroy();
  return serialNumber;
}
