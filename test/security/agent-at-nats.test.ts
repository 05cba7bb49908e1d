import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createUser } from '@nats-io/nkeys';
import { headers, type NatsConnection } from '@nats-io/transport-node';
import {
  AGENT_REPLIES,
  AGENT_SUBSCRIPTIONS_MAX,
  agentRights,
} from '@podctl/domain/agent-rights.ts';
import { type AgentId, agentId } from '@podctl/domain/ids.ts';
import { BUCKETS, EVENT_STREAM, EVENT_SUBJECTS } from '@podctl/domain/key.ts';
import { agentJwt, credentialsText, publicKeyOf } from '@podctl/platform/authority/nats-claims.ts';
import { systemClock } from '@podctl/platform/clock.ts';
import { type Bucket, openBucket } from '@podctl/platform/nats/bucket.ts';
import { natsBus } from '@podctl/platform/nats/bus.ts';
import { connectNats, type NatsLink } from '@podctl/platform/nats/connection.ts';
import { NatsEventStream } from '@podctl/platform/nats/event-stream.ts';
import { natsKv } from '@podctl/platform/nats/kv.ts';
import { natsLogin } from '@podctl/platform/nats-login.ts';
import fc from 'fast-check';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type SecureNats, startSecureNats } from '../support/secure-nats.ts';
import { storeEvent } from '../support/stored-events.ts';
import { documentedRights } from './documented-rights.ts';

/** More of them with `npm run test:security`. */
const SUBJECTS = Number(process.env.PODCTL_FUZZ_RUNS ?? 2_000);
const HOUR_MS = 3_600_000;
const THIEF = idOf('gpu-1');
const OTHER = idOf('gpu-2');
const signal = new AbortController().signal;
const ports = { clock: systemClock, random: Math.random, listen: () => {}, onError: () => {} };

let nats: SecureNats;
let coordinator: NatsLink;
let thief: NatsLink;
let other: NatsLink;
const buckets: Bucket[] = [];
let events: NatsEventStream;

beforeAll(async () => {
  nats = await startSecureNats();
  coordinator = await linkOf({ kind: 'file', path: nats.coordinator }, '_INBOX');
  for (const name of Object.values(BUCKETS)) {
    const bucket = await openBucket(coordinator, { name, replicas: 1 }, systemClock, signal);
    await natsKv(bucket, ports).put('key', Buffer.from('kept'));
    buckets.push(bucket);
  }
  events = new NatsEventStream(coordinator, { replicas: 1, keepMs: HOUR_MS, bytesMax: 1_000_000 });
  await storeEvent(events, 1);
  thief = await agentLink(THIEF);
  other = await agentLink(OTHER);
});

afterAll(async () => {
  for (const link of [thief, other, coordinator]) await link.close();
  await nats.stop();
});

test('what docs/security.md lists is what an agent is granted', async () => {
  const { publish, subscribe } = await documentedRights(THIEF);
  const granted = agentRights(THIEF);
  expect([...publish].sort()).toEqual([...granted.publish].sort());
  expect([...subscribe].sort()).toEqual([...granted.subscribe].sort());
});

test(`of ${SUBJECTS} subjects, those that are not listed bring nothing to anybody`, async () => {
  const { publish } = await documentedRights(THIEF);
  const heard = new Set<string>();
  const everything = coordinator.nc.subscribe('>', {
    callback: (_, { subject }) => void heard.add(subject),
  });
  await coordinator.nc.flush();
  const tried = new Set([...publish, ...NAMED, ...sample(concrete, SUBJECTS)]);
  for (const subject of tried) thief.nc.publish(subject, 'stolen');
  await arrivedAll(thief.nc);
  everything.unsubscribe();
  expect([...heard].filter((subject) => tried.has(subject)).sort()).toEqual([...publish].sort());
});

test('what is listed works: its own commands, and answers to its own questions', async () => {
  const commands = thief.nc.subscribe(`cmd.${THIEF}`, { max: 1 });
  const desk = coordinator.nc.subscribe(`hello.${THIEF}`, {
    callback: (_, message) => void message.respond('welcome'),
  });
  await thief.nc.flush();
  await coordinator.nc.flush();
  coordinator.nc.publish(`cmd.${THIEF}`, 'work');
  for await (const { data } of commands) expect(Buffer.from(data).toString()).toBe('work');
  const answer = await thief.nc.request(`hello.${THIEF}`, '', { timeout: 2_000 });
  expect(answer.string()).toBe('welcome');
  desk.unsubscribe();
});

test('no bucket can be wiped, purged, read or made, rolled up or not', async () => {
  const rollup = headers();
  rollup.set('Nats-Rollup', 'all');
  for (const { stream, prefix } of buckets) {
    for (const subject of [`${prefix}key`, `${prefix}new`]) {
      thief.nc.publish(subject, 'wiped', { headers: rollup });
      thief.nc.publish(subject, 'wiped');
    }
    for (const call of ['PURGE', 'DELETE', 'INFO', 'MSG.GET', 'UPDATE', 'SNAPSHOT'])
      await expect(ask(thief, `$JS.API.STREAM.${call}.${stream}`)).rejects.toThrow();
    await expect(ask(thief, `$JS.API.CONSUMER.CREATE.${stream}`)).rejects.toThrow();
    await expect(ask(thief, `$JS.API.DIRECT.GET.${stream}.${prefix}key`)).rejects.toThrow();
  }
  for (const subject of ['$JS.API.INFO', '$JS.API.STREAM.NAMES', '$SYS.REQ.SERVER.PING'])
    await expect(ask(thief, subject)).rejects.toThrow();
  await arrivedAll(thief.nc);
  for (const bucket of buckets) {
    const entry = await natsKv(bucket, ports).get('key');
    expect(entry?.kind === 'value' && Buffer.from(entry.value).toString()).toBe('kept');
    expect((await bucket.jsm.streams.info(bucket.stream)).state.messages).toBe(1);
  }
});

test('what happened cannot be forged, read, or wiped by an agent', async () => {
  const rollup = headers();
  rollup.set('Nats-Rollup', 'all');
  for (const subject of [`event.job_done.alpha.${THIEF}`, 'event.library._._']) {
    thief.nc.publish(subject, 'forged');
    thief.nc.publish(subject, 'wiped', { headers: rollup });
  }
  for (const call of ['PURGE', 'DELETE', 'INFO', 'MSG.GET', 'UPDATE', 'SNAPSHOT'])
    await expect(ask(thief, `$JS.API.STREAM.${call}.${EVENT_STREAM}`)).rejects.toThrow();
  await expect(ask(thief, `$JS.API.DIRECT.GET.${EVENT_STREAM}`)).rejects.toThrow();
  await arrivedAll(thief.nc);
  expect(await events.bounds(signal)).toEqual({ first: 1, last: 1 });
});

test('no stream takes what an agent may publish', async () => {
  const rights = [...agentRights(THIEF).publish];
  for await (const stream of coordinatorStreams())
    for (const subject of stream)
      expect(
        rights.filter((right) => isWithin(right, subject)),
        subject,
      ).toEqual([]);
});

test('a coordinator does not answer where the thief wants: no purge by its hand', async () => {
  const bus = natsBus(coordinator.nc, (error) => refused.push(String(error)));
  const refused: string[] = [];
  const served = Promise.withResolvers<void>();
  const desk = bus.subscribe('hello.*', (message) => {
    message.respond(Buffer.from('{}'));
    served.resolve();
  });
  await coordinator.nc.flush();
  const stream = buckets[0]?.stream ?? '';
  for (const reply of [
    `$JS.API.STREAM.PURGE.${stream}`,
    `${buckets[0]?.prefix}key`,
    `cmd.${OTHER}`,
  ])
    thief.nc.publish(`hello.${THIEF}`, '{}', { reply });
  await served.promise;
  await arrivedAll(thief.nc);
  desk.stop();
  expect(refused).toHaveLength(3);
  const [bucket] = buckets;
  expect(bucket && (await bucket.jsm.streams.info(bucket.stream)).state.messages).toBe(1);
});

test('an agent answers once to who asks it, and cannot answer anybody else', async () => {
  const inbox = coordinator.newInbox();
  const heard: string[] = [];
  const answers = coordinator.nc.subscribe(inbox, {
    callback: (_, { data }) => void heard.push(Buffer.from(data).toString()),
  });
  thief.nc.publish(inbox, 'unasked');
  await arrivedAll(thief.nc);
  const asked = thief.nc.subscribe(`cmd.${THIEF}`, { max: 1 });
  await thief.nc.flush();
  coordinator.nc.publish(`cmd.${THIEF}`, 'alive?', { reply: inbox });
  for await (const message of asked)
    for (let i = 1; i <= AGENT_REPLIES.max + 2; i += 1) message.respond(`answer ${i}`);
  await arrivedAll(thief.nc);
  answers.unsubscribe();
  expect(heard).toEqual(['answer 1']);
});

test('it opens no other account, and few subscriptions', async () => {
  await expect(ask(thief, '$SYS.REQ.USER.INFO')).rejects.toThrow();
  const own = `_INBOX.agent.${THIEF}`;
  const heard = new Set<number>();
  const open = Array.from({ length: 40 }, (_, i) =>
    thief.nc.subscribe(`${own}.${i}`, { callback: () => void heard.add(i) }),
  );
  await thief.nc.flush();
  for (const [i] of open.entries()) coordinator.nc.publish(`${own}.${i}`, '');
  await coordinator.nc.flush();
  await thief.nc.flush();
  for (const one of open) one.unsubscribe();
  expect(heard.size).toBeGreaterThan(0);
  expect(heard.size).toBeLessThanOrEqual(AGENT_SUBSCRIPTIONS_MAX);
});

test(`of ${SUBJECTS} subscriptions, those that are not listed hear nothing`, async () => {
  const { subscribe } = await documentedRights(THIEF);
  const heard: string[] = [];
  const isListed = (pattern: string) => subscribe.some((right) => isWithin(pattern, right));
  const tried = [...new Set([...NAMED, ...WIDE, ...sample(wild, SUBJECTS)])];
  const own = `cmd.${THIEF}`;
  const lots = lotsOf(
    tried.filter((pattern) => !isListed(pattern)),
    8,
  );
  // In small lots: an agent may have few subscriptions at a time. Its own one shows that each lot could hear.
  for (const lot of lots) {
    const open = [own, ...lot].map((pattern) =>
      thief.nc.subscribe(pattern, {
        callback: (error) => void (error === null && heard.push(pattern)),
      }),
    );
    await thief.nc.flush();
    for (const pattern of [own, ...lot]) coordinator.nc.publish(filled(pattern), 'secret');
    await coordinator.nc.flush();
    await thief.nc.flush();
    for (const one of open) one.unsubscribe();
  }
  expect(heard).toEqual(lots.map(() => own));
});

/** Subjects that somebody would try first. */
const NAMED = [
  'order',
  'roll-call',
  `hello.${OTHER}`,
  `hb.${OTHER}`,
  `res.${OTHER}`,
  `cmd.${OTHER}`,
  `cmd.${THIEF}`,
  `log.${THIEF}`,
  `hello.${THIEF}.x`,
  'hello',
  '$SYS.REQ.CLAIMS.UPDATE',
  '$JS.ACK.x.y.1.2.3.4.5',
  '$JS.API.STREAM.CREATE.x',
  `event.job_done.alpha.${THIEF}`,
  `_INBOX.agent.${OTHER}.x`,
  '_INBOX.x',
  ...Object.values(BUCKETS).flatMap((name) => [`$KV.${name}.key`, `$KV.${name}.token.x`]),
];
const WIDE = [
  '>',
  '*',
  '*.*',
  '*.>',
  '_INBOX.>',
  '_INBOX.*',
  '_INBOX.agent.>',
  'cmd.*',
  'cmd.>',
  '$SYS.>',
  '$KV.>',
  '$JS.>',
  EVENT_SUBJECTS,
];

const word = fc.oneof(
  fc.constantFrom(
    'hello',
    'hb',
    'res',
    'cmd',
    'order',
    'roll-call',
    '_INBOX',
    'agent',
    THIEF,
    OTHER,
  ),
  fc.constantFrom('$JS', 'API', 'STREAM', '$KV', '$SYS', 'REQ', ...Object.values(BUCKETS)),
  fc.stringMatching(/^[A-Za-z0-9_$-]{1,8}$/),
);
const concrete = fc.array(word, { minLength: 1, maxLength: 5 }).map((words) => words.join('.'));
const wild = fc
  .tuple(fc.array(fc.oneof(word, fc.constant('*')), { minLength: 1, maxLength: 4 }), fc.boolean())
  .map(([words, open]) => [...words, ...(open ? ['>'] : [])].join('.'));

function sample<T>(arbitrary: fc.Arbitrary<T>, count: number): T[] {
  return fc.sample(arbitrary, { numRuns: count, seed: 5 });
}

/** A subject that a pattern matches. */
function filled(pattern: string): string {
  return pattern
    .split('.')
    .map((token) => (token === '*' || token === '>' ? 'x' : token))
    .join('.');
}

/** Whether all that the pattern matches is matched by the right. */
function isWithin(pattern: string, right: string): boolean {
  const [tokens, rights] = [pattern.split('.'), right.split('.')];
  for (const [i, token] of rights.entries()) {
    if (token === '>') return tokens.length > i;
    if (tokens[i] === undefined || tokens[i] === '>') return false;
    if (token !== '*' && token !== tokens[i]) return false;
  }
  return tokens.length === rights.length;
}

function lotsOf<T>(items: readonly T[], size: number): T[][] {
  const lots: T[][] = [];
  for (let i = 0; i < items.length; i += size) lots.push(items.slice(i, i + size));
  return lots;
}

/** Everything that was sent before has been dealt with, here and at whoever hears it. */
async function arrivedAll(nc: NatsConnection): Promise<void> {
  await nc.flush();
  await coordinator.nc.flush();
}

async function* coordinatorStreams(): AsyncGenerator<readonly string[]> {
  const [bucket] = buckets;
  if (bucket === undefined) return;
  for await (const { config } of bucket.jsm.streams.list()) yield config.subjects ?? [];
}

function ask(link: NatsLink, subject: string) {
  return link.nc.request(subject, '', { timeout: 300 });
}

async function agentLink(agent: AgentId): Promise<NatsLink> {
  const seed = new TextDecoder().decode(createUser().getSeed());
  const jwt = await agentJwt(nats.authority.nats, agent, publicKeyOf(seed), Date.now() + HOUR_MS);
  const path = join(nats.folder, `${agent}.creds`);
  await writeFile(path, credentialsText(jwt, seed), { mode: 0o600 });
  return linkOf({ kind: 'file', path }, `_INBOX.agent.${agent}`);
}

async function linkOf(as: { kind: 'file'; path: string }, inboxPrefix: string) {
  const login = await natsLogin({ servers: [nats.url], as, ca: nats.authority.ca.certPem });
  return connectNats({ ...login, name: 'test', inboxPrefix }, ports, signal);
}

function idOf(text: string): AgentId {
  const id = agentId(text);
  if (!id.ok) throw new Error(id.error);
  return id.value;
}
