import { readFileSync } from 'node:fs';
import { createAccount, createUser } from '@nats-io/nkeys';
import { type AgentId, agentId } from '@podctl/domain/ids.ts';
import { ensureAuthority } from '@podctl/platform/authority/authority.ts';
import {
  accountJwt,
  agentJwt,
  credentialsText,
  publicKeyOf,
} from '@podctl/platform/authority/nats-claims.ts';
import { systemClock } from '@podctl/platform/clock.ts';
import { updateAccount } from '@podctl/platform/nats/account-claims.ts';
import {
  connectNats,
  type NatsEvent,
  type NatsLink,
  type NatsOptions,
  NatsRefused,
} from '@podctl/platform/nats/connection.ts';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { type SecureNats, startSecureNats } from '../support/secure-nats.ts';

let nats: SecureNats;
let links: NatsLink[] = [];
const never = new AbortController().signal;
const HOUR_MS = 3_600_000;

beforeAll(async () => {
  nats = await startSecureNats();
});
afterAll(() => nats.stop());
afterEach(async () => {
  for (const link of links) await link.close();
  links = [];
});

const parsed = agentId('gpu-1');
if (!parsed.ok) throw new Error(parsed.error);
const agent: AgentId = parsed.value;

/** A user's key and what makes credentials for it, good for so long. */
function enrolled() {
  const seed = new TextDecoder().decode(createUser().getSeed());
  const key = publicKeyOf(seed);
  const credentials = async (lifeMs: number, keys = nats.authority.nats) =>
    credentialsText(await agentJwt(keys, agent, key, Date.now() + lifeMs), seed);
  return { key, credentials };
}

/** `events` is everything told so far; `until` waits for one that fits. */
async function connect(read: () => string, more: Partial<NatsOptions> = {}) {
  const events: NatsEvent[] = [];
  let heard: () => void = () => undefined;
  const link = await connectNats(
    {
      servers: [nats.url],
      name: 'test',
      auth: { kind: 'credentials', read },
      tls: { ca: nats.authority.ca.certPem },
      connectWithinMs: 20_000,
      ...more,
    },
    {
      clock: systemClock,
      random: Math.random,
      listen: (event) => {
        events.push(event);
        heard();
      },
    },
    never,
  );
  links.push(link);
  const until = (kind: NatsEvent['kind'], times = 1) =>
    new Promise<NatsEvent>((resolve) => {
      heard = () => {
        const found = events.filter((event) => event.kind === kind).at(times - 1);
        if (found !== undefined) resolve(found);
      };
      heard();
    });
  return { link, events, until };
}

test('a revoked connection is closed for good, with what to do', async () => {
  const { key, credentials } = enrolled();
  const text = await credentials(HOUR_MS);
  const { link, events, until } = await connect(() => text);
  const system = await connect(() => readFileSync(nats.system, 'utf8'));
  await updateAccount(
    system.link,
    await accountJwt(
      nats.authority.nats,
      new Map([[key, Date.now()]]),
      Math.floor(Date.now() / 1_000) + 1,
    ),
  );
  const end = await until('closed');
  expect(end.kind === 'closed' && end.error).toBeInstanceOf(NatsRefused);
  expect(end).toMatchObject({
    error: {
      why: 'revoked',
      message: expect.stringMatching(/revoked .* removed from the fleet; join anew/),
    },
  });
  expect(link.isConnected()).toBe(false);
  await expect(link.whenConnected(never)).rejects.toThrow();
  expect(events.filter(({ kind }) => kind === 'connected')).toHaveLength(1);
  expect(system.link.counts().disconnects).toBe(0);
});

test('an expired connection comes back with the renewed credentials', async () => {
  const { credentials } = enrolled();
  let text = await credentials(2_500);
  const { events, until } = await connect(() => text, { refusedMsMax: 60_000 });
  text = await credentials(HOUR_MS);
  await until('connected', 2);
  expect(events.filter(({ kind }) => kind !== 'trouble').map(({ kind }) => kind)).toEqual([
    'connected',
    'disconnected',
    'connected',
  ]);
  const troubles = events.flatMap((event) => (event.kind === 'trouble' ? [event.error.name] : []));
  expect(troubles).toEqual(['UserAuthenticationExpiredError']);
});

test('a connection that is only refused when it comes back is closed after the time given', async () => {
  const { credentials } = enrolled();
  let text = await credentials(HOUR_MS);
  const { link, until } = await connect(() => text, { refusedMsMax: 300 });
  const stranger = new TextDecoder().decode(createAccount().getSeed());
  text = await credentials(HOUR_MS, { ...nats.authority.nats, account: stranger });
  await link.nc.reconnect();
  expect(await until('closed')).toMatchObject({
    error: { why: 'credentials', message: expect.stringMatching(/refused the credentials: /) },
  });
});

test('a server whose certificate another fleet’s CA signed is refused at once', async () => {
  const other = await ensureAuthority(`${nats.folder}/other`, Date.now());
  const text = await enrolled().credentials(HOUR_MS);
  const startMs = performance.now();
  const refused = connect(() => text, { tls: { ca: other.ca.certPem } });
  await expect(refused).rejects.toMatchObject({ why: 'untrusted' });
  await expect(refused).rejects.toThrow(/shows a certificate that is not accepted/);
  expect(performance.now() - startMs).toBeLessThan(5_000);
});

test('credentials that have expired are refused at once', async () => {
  const text = await enrolled().credentials(-HOUR_MS);
  await expect(connect(() => text)).rejects.toThrow(/refused the credentials/);
});
