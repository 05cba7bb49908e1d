import { createPublicKey, X509Certificate } from 'node:crypto';
import { once } from 'node:events';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { createServer, type Server } from 'node:https';
import type { AddressInfo } from 'node:net';
import { TLSSocket } from 'node:tls';
import { createUser, fromPublic } from '@nats-io/nkeys';
import { type AgentId, agentId } from '@podctl/domain/ids.ts';
import type { JoinToken } from '@podctl/domain/join-token.ts';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import {
  certificateSha256,
  issueForAgent,
  issueForServer,
  type KeyedCertificate,
  keySha256,
  makeCa,
} from './authority/certificates.ts';
import { agentJwt, makeNatsSeeds } from './authority/nats-claims.ts';
import { SERVER_NAMES } from './authority/server-names.ts';
import { type IssuedMessage, type JoinMessage, joinClaim, joinMessage } from './enrolment.ts';
import { type JoinNews, joinFleet, renewCredential } from './enrolment-client.ts';

const DAY_MS = 86_400_000;
const never = new AbortController().signal;
const agent = named('gpu-1');
const seeds = makeNatsSeeds();

let ca: KeyedCertificate;
let stranger: KeyedCertificate;
let certificate: KeyedCertificate;
beforeAll(async () => {
  const validity = { fromMs: Date.now(), toMs: Date.now() + DAY_MS };
  ca = await makeCa(validity);
  stranger = await makeCa(validity);
  certificate = await issueForServer(ca, [SERVER_NAMES.coordinator], validity);
});

/** A coordinator as far as enrolment goes; a test changes what it answers. */
let server: Server;
let origin: string;
let joins: JoinMessage[];
let answers: { ca: Answer; enrol: Answer; renew: Answer };
type Answer = (response: ServerResponse, request: IncomingMessage, body: Buffer) => void;
beforeEach(async () => {
  joins = [];
  answers = {
    ca: (response) => response.end(ca.certPem),
    enrol: (response, _request, body) => {
      const join = joinMessage.decode(body);
      if (!join.ok) return refuse(response, 400, join.error);
      joins.push(join.value);
      void issue(join.value).then((issued) => response.end(JSON.stringify(issued)));
    },
    renew: (response) => refuse(response, 404, 'not found'),
  };
  server = await listen(certificate);
  origin = originOf(server);
});
afterEach(() => close(server));
const others: Server[] = [];
afterAll(() => Promise.all(others.map(close)));

const token = (more: Partial<JoinToken> = {}): JoinToken => ({
  url: origin,
  caSha256: certificateSha256(ca.certPem),
  id: 'a'.repeat(16),
  secret: 'b'.repeat(32),
  ...more,
});
const join = (of = token(), news: JoinNews[] = [], withinMs = 300) =>
  joinFleet(of, agent, { signal: never, listen: (next) => news.push(next), withinMs });

describe('a machine that joins', () => {
  test('has a credential for keys that it made and did not send', async () => {
    const news: JoinNews[] = [];
    const joined = await join(token(), news);
    if (!joined.ok) throw new Error(joined.error.sentence);
    const [asked] = joins;
    if (asked === undefined) throw new Error('nobody joined');
    const signature = Buffer.from(asked.proof, 'base64');
    expect(fromPublic(asked.natsKey).verify(joinClaim(asked), signature)).toBe(true);
    expect(joined.value).toMatchObject({ agent, coordinators: [origin] });
    expect(joined.value.caPem.trim()).toBe(ca.certPem.trim());
    expect(joined.value.tlsKeyPem).toMatch(/PRIVATE KEY/);
    expect(createPublicKey(joined.value.tlsKeyPem).export({ type: 'spki', format: 'pem' })).toBe(
      asked.tlsKeyPem,
    );
    expect(createPublicKey(asked.tlsKeyPem).asymmetricKeyDetails?.namedCurve).toBe('prime256v1');
    expect(JSON.stringify(asked)).not.toContain(joined.value.natsSeed);
    expect(news).toEqual([{ kind: 'ca_verified' }]);
  });

  test('asks again with the same keys when the answer was lost, or nobody could be let in', async () => {
    const issueNow = answers.enrol;
    const seen: JoinMessage[] = [];
    answers.enrol = (response, request, body) => {
      const asked = joinMessage.decode(body);
      if (asked.ok) seen.push(asked.value);
      if (seen.length === 1) request.socket.destroy();
      else if (seen.length === 2) refuse(response, 500, 'there is no leader now');
      else issueNow(response, request, body);
    };
    const news: JoinNews[] = [];
    expect((await join(token(), news, 20_000)).ok).toBe(true);
    expect(seen).toHaveLength(3);
    expect(new Set(seen.map((asked) => asked.natsKey + asked.tlsKeyPem))).toHaveProperty('size', 1);
    expect(news.filter(({ kind }) => kind === 'waiting').at(-1)).toMatchObject({
      sentence: expect.stringContaining('there is no leader now'),
    });
  });

  test('is told when the clocks differ', async () => {
    answers.ca = (response) => {
      response.setHeader('date', new Date(Date.now() + 90_000).toUTCString());
      response.end(ca.certPem);
    };
    const news: JoinNews[] = [];
    await join(token(), news);
    const skew = news.find((next) => next.kind === 'clock_skew');
    expect(Math.abs((skew?.aheadMs ?? 0) - 90_000)).toBeLessThan(2_000);
  });

  test('stops when it is told to', async () => {
    const stop = new AbortController();
    answers.enrol = () => stop.abort(new Error('stopped'));
    const joining = joinFleet(token(), agent, { signal: stop.signal });
    await expect(joining).rejects.toThrow('stopped');
  });
});

describe('a machine that joins sends no secret to', () => {
  afterEach(() => expect(joins).toEqual([]));

  test('who shows another CA than the token names', async () => {
    const problem = await problemOf(join(token({ caSha256: certificateSha256(stranger.certPem) })));
    expect(problem.kind).toBe('stranger');
    expect(problem.sentence).toMatch(
      /another CA .* somebody else answers there, or the fleet was made anew; .* new token/,
    );
  });

  test('who shows the right CA and has another’s certificate', async () => {
    const validity = { fromMs: Date.now(), toMs: Date.now() + DAY_MS };
    const impostor = await listen(
      await issueForServer(stranger, [SERVER_NAMES.coordinator], validity),
    );
    const problem = await problemOf(join(token({ url: originOf(impostor) })));
    expect(problem).toMatchObject({
      kind: 'stranger',
      sentence: expect.stringMatching(/does not prove to be of the fleet/),
    });
  });

  test('an agent of the fleet that plays the coordinator', async () => {
    const url = await playedBy('gpu-2');
    expect((await problemOf(join(token({ url })))).kind).toBe('stranger');
  });

  test.each([
    ['sends a page without an end', (response: ServerResponse) => pour(response)],
    ['sends anything else', (response: ServerResponse) => response.end('<!doctype html>')],
    [
      'points elsewhere',
      (response: ServerResponse) => response.writeHead(302, { location: '/v1/ca' }).end(),
    ],
  ])('who %s', async (_what, answer) => {
    answers.ca = answer;
    const problem = await problemOf(join());
    expect(problem.sentence).toMatch(/is no coordinator of podctl|nobody answers at/);
  });

  test('a port on which nobody listens', async () => {
    const gone = await listen(certificate);
    const url = originOf(gone);
    await close(gone);
    const problem = await problemOf(join(token({ url }), [], 50));
    expect(problem).toMatchObject({
      kind: 'unreachable',
      sentence: expect.stringMatching(/nobody answers at .*ECONNREFUSED.*: check the address/),
    });
  });
});

describe('a machine is told in a sentence that it', () => {
  test.each([
    [401, 'this join token is not known here'],
    [403, 'this join token has expired'],
    [409, 'another machine has this name'],
  ])('was refused with %i, and why, without control characters', async (status, words) => {
    answers.enrol = (response) => refuse(response, status, `${words}\u001b[2J\nmore`);
    const problem = await problemOf(join());
    expect(problem).toEqual({
      kind: 'refused',
      sentence: `${origin} refused this machine: ${words}[2J`,
    });
  });

  test('may try again later, when nobody could be let in for long', async () => {
    answers.enrol = (response) => refuse(response, 408, 'there is no leader now');
    const problem = await problemOf(join(token(), [], 1));
    expect(problem).toMatchObject({ kind: 'unreachable' });
    expect(problem.sentence).toMatch(/lets nobody in now \(there is no leader now\): try again/);
  });
});

describe('a credential that could not work is not kept', () => {
  const wrong: [string, RegExp, (asked: JoinMessage) => Promise<Partial<IssuedMessage>>][] = [
    [
      'for another name',
      /for another name/,
      async (asked) => cert(asked, { agent: named('gpu-2') }),
    ],
    [
      'for another key',
      /for another key/,
      async (asked) => cert(asked, { key: certificate.certPem }),
    ],
    ['of another CA', /did not sign/, async (asked) => cert(asked, { by: stranger })],
    [
      'that is not yet valid',
      /is good from .*set the clocks/,
      async (asked) => cert(asked, { fromMs: Date.now() + DAY_MS }),
    ],
    [
      'whose NATS user has another key',
      /NATS user with another key/,
      async () => ({ natsJwt: await jwtOf(createUser().getPublicKey(), DAY_MS) }),
    ],
    [
      'whose NATS user is over',
      /NATS user that is over/,
      async (asked) => ({ natsJwt: await jwtOf(asked.natsKey, -DAY_MS) }),
    ],
    ['without a NATS user', /has no NATS user/, async () => ({ natsJwt: 'x.y.z' })],
    [
      'that is renewed in the clear',
      /without https/,
      async () => ({ coordinators: ['http://x:1'] }),
    ],
  ];
  test.each(wrong)('%s', async (_what, sentence, change) => {
    answers.enrol = (response, _request, body) => {
      const asked = joinMessage.decode(body);
      if (!asked.ok) return refuse(response, 400, asked.error);
      void Promise.all([issue(asked.value), change(asked.value)]).then(([issued, changed]) =>
        response.end(JSON.stringify({ ...issued, ...changed })),
      );
    };
    expect((await problemOf(join())).sentence).toMatch(sentence);
  });
});

describe('a credential is renewed', () => {
  const renewed = async (coordinators = [origin]) => {
    const joined = await join();
    if (!joined.ok) throw new Error(joined.error.sentence);
    const credential = { ...joined.value, coordinators };
    return { credential, result: await renewCredential(credential, never) };
  };

  test('with its own certificate, for the same keys, at the coordinator that answers', async () => {
    const shown: string[] = [];
    answers.renew = (response, request) => {
      const { socket } = request;
      const peer = socket instanceof TLSSocket ? socket.getPeerX509Certificate() : undefined;
      const [asked] = joins;
      if (peer === undefined || asked === undefined) return refuse(response, 401, 'who are you?');
      shown.push(keySha256(peer));
      void issue(asked, 2 * DAY_MS).then((issued) => response.end(JSON.stringify(issued)));
    };
    const gone = await listen(certificate);
    const away = originOf(gone);
    await close(gone);
    const { credential, result } = await renewed([away, origin]);
    if (!result.ok) throw new Error(result.error.sentence);
    expect(shown).toEqual([keySha256(new X509Certificate(credential.tlsCertPem))]);
    const { natsSeed, tlsKeyPem, caPem } = credential;
    expect(result.value).toMatchObject({ agent, natsSeed, tlsKeyPem, caPem });
    expect(result.value.expiresMs).toBeGreaterThan(credential.expiresMs);
    expect(result.value.tlsCertPem).not.toBe(credential.tlsCertPem);
  });

  test('not when it was revoked, and it says so though another coordinator is away', async () => {
    answers.renew = (response) => refuse(response, 403, 'this agent was revoked');
    const { result } = await renewed([origin, 'https://127.0.0.1:1']);
    expect(result).toEqual({
      ok: false,
      error: {
        kind: 'refused',
        sentence: `${origin} refused this machine: this agent was revoked`,
      },
    });
  });
});

function named(name: string): AgentId {
  const id = agentId(name);
  if (!id.ok) throw new Error(id.error);
  return id.value;
}

async function issue(
  { agent: name, natsKey, tlsKeyPem, ...rest }: JoinMessage,
  lifeMs = DAY_MS,
): Promise<IssuedMessage> {
  const issuedMs = Date.now();
  const validity = { fromMs: issuedMs, toMs: issuedMs + lifeMs };
  const signature = Buffer.from(rest.proof, 'base64');
  const claim = joinClaim({ agent: name, natsKey, tlsKeyPem, tokenId: rest.tokenId });
  expect(fromPublic(natsKey).verify(claim, signature)).toBe(true);
  return {
    natsServers: ['tls://127.0.0.1:4222'],
    coordinators: [origin],
    natsJwt: await agentJwt(seeds, name, natsKey, validity.toMs),
    tlsCertPem: await issueForAgent(ca, name, tlsKeyPem, validity),
    issuedMs,
    expiresMs: validity.toMs,
  };
}

async function cert(
  asked: JoinMessage,
  change: { agent?: AgentId; key?: string; by?: KeyedCertificate; fromMs?: number },
): Promise<Partial<IssuedMessage>> {
  const fromMs = change.fromMs ?? Date.now();
  const key =
    change.key === undefined
      ? asked.tlsKeyPem
      : createPublicKey(change.key).export({ type: 'spki', format: 'pem' }).toString();
  const validity = { fromMs, toMs: fromMs + DAY_MS };
  const name = change.agent ?? agent;
  return { tlsCertPem: await issueForAgent(change.by ?? ca, name, key, validity) };
}

function jwtOf(natsKey: string, lifeMs: number): Promise<string> {
  return agentJwt(seeds, agent, natsKey, Date.now() + lifeMs);
}

/** An agent's certificate is for servers too, its own /metrics: but under a name that no coordinator has. */
async function playedBy(name: string): Promise<string> {
  const validity = { fromMs: Date.now(), toMs: Date.now() + DAY_MS };
  const keys = await issueForServer(stranger, ['x'], validity);
  const spki = createPublicKey(keys.certPem).export({ type: 'spki', format: 'pem' }).toString();
  const certPem = await issueForAgent(ca, named(name), spki, validity);
  return originOf(await listen({ certPem, keyPem: keys.keyPem }));
}

async function listen({ certPem, keyPem }: KeyedCertificate): Promise<Server> {
  const options = { cert: certPem, key: keyPem, ca: ca.certPem, requestCert: true };
  const made = createServer({ ...options, rejectUnauthorized: false }, (request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('error', () => undefined);
    request.on('end', () => {
      const answer = {
        '/v1/ca': answers.ca,
        '/v1/enrol': answers.enrol,
        '/v1/renew': answers.renew,
      };
      const path = request.url ?? '';
      if (path in answer)
        answer[path as keyof typeof answer](response, request, Buffer.concat(chunks));
    });
  });
  made.listen(0, '127.0.0.1');
  await once(made, 'listening');
  others.push(made);
  return made;
}

async function close(open: Server): Promise<void> {
  if (!open.listening) return;
  open.close();
  open.closeAllConnections();
  await once(open, 'close');
}

function originOf(open: Server): string {
  return `https://127.0.0.1:${(open.address() as AddressInfo).port}`;
}

function refuse(response: ServerResponse, status: number, words: string): void {
  response.writeHead(status, { 'content-type': 'text/plain' });
  response.end(`${words}\n`);
}

function pour(response: ServerResponse): void {
  const more = () => {
    while (!response.destroyed && response.write('x'.repeat(16 * 1024)));
  };
  response.on('drain', more);
  response.on('error', () => undefined);
  more();
}

async function problemOf(joining: ReturnType<typeof joinFleet>) {
  const joined = await joining;
  return joined.ok ? Promise.reject(new Error('it joined')) : joined.error;
}
