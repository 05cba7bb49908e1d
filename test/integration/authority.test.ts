import { readFileSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createUser } from '@nats-io/nkeys';
import { type AgentId, agentId } from '@podctl/domain/ids.ts';
import {
  accountJwt,
  agentJwt,
  credentialsText,
  publicKeyOf,
  revocationsIn,
} from '@podctl/platform/authority/nats-claims.ts';
import { systemClock } from '@podctl/platform/clock.ts';
import { lookUpAccount, updateAccount } from '@podctl/platform/nats/account-claims.ts';
import { openBucket } from '@podctl/platform/nats/bucket.ts';
import { connectNats, type NatsEvent, type NatsLink } from '@podctl/platform/nats/connection.ts';
import { natsKv } from '@podctl/platform/nats/kv.ts';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type SecureNats, startSecureNats } from '../support/secure-nats.ts';

let nats: SecureNats;
const links: NatsLink[] = [];
const signal = new AbortController().signal;
const HOUR_MS = 3_600_000;

beforeAll(async () => {
  nats = await startSecureNats();
});

afterAll(async () => {
  for (const link of links) await link.close();
  await nats.stop();
});

async function connect(path: string, listen: (event: NatsEvent) => void = () => {}) {
  const link = await connectNats(
    {
      servers: [nats.url],
      name: 'test',
      auth: { kind: 'credentials', read: () => readFileSync(path, 'utf8') },
      tls: { caFile: nats.caFile },
      connectWithinMs: 3_000,
    },
    { clock: systemClock, random: Math.random, listen },
    signal,
  );
  links.push(link);
  return link;
}

async function enrolled(name: string) {
  const id = agentId(name);
  if (!id.ok) throw new Error(id.error);
  const agent: AgentId = id.value;
  const seed = new TextDecoder().decode(createUser().getSeed());
  const key = publicKeyOf(seed);
  const jwt = await agentJwt(nats.authority.nats, agent, key, Date.now() + HOUR_MS);
  const path = join(nats.folder, `${name}.creds`);
  await writeFile(path, credentialsText(jwt, seed), { mode: 0o600 });
  return { agent, key, path };
}

test('a coordinator of the authority works with buckets, over TLS', async () => {
  const link = await connect(nats.coordinator);
  const bucket = await openBucket(link, { name: 'trial', replicas: 1 }, systemClock, signal);
  const kv = natsKv(bucket, { clock: systemClock, random: Math.random, onError: () => {} });
  const written = await kv.cas('key', 0, new TextEncoder().encode('value'));
  expect(written.kind).toBe('written');
});

test('a revoked agent is out at once, stays out after a restart of the server, and the others stay in', async () => {
  const [gone, stays] = [await enrolled('gone'), await enrolled('stays')];
  const out = Promise.withResolvers<void>();
  await connect(gone.path, (event) => {
    if (event.kind === 'disconnected' || event.kind === 'closed') out.resolve();
  });
  const other = await connect(stays.path);
  const system = await connect(nats.system);
  await updateAccount(
    system,
    await accountJwt(
      nats.authority.nats,
      new Map([[gone.key, Date.now()]]),
      Math.floor(Date.now() / 1_000),
    ),
  );
  await out.promise;
  expect(other.counts().disconnects).toBe(0);
  await expect(connect(gone.path)).rejects.toThrow(/refused the credentials/);
  await nats.server.restart();
  await expect(connect(gone.path)).rejects.toThrow(/refused the credentials/);
  await connect(stays.path);
  const known = await lookUpAccount(
    await connect(nats.system),
    publicKeyOf(nats.authority.nats.account),
  );
  expect([...revocationsIn(known ?? '').keys()]).toEqual([gone.key]);
});
