import { writeFile } from 'node:fs/promises';
import { gzipSync } from 'node:zlib';
import { AGENT_INBOXES, BUCKETS } from '@podctl/domain/key.ts';
import { readAgentCredential } from '@podctl/platform/agent-credential.ts';
import {
  accountClaimsIn,
  accountJwt,
  fullCredentials,
  localAgentCredentials,
  publicKeyOf,
} from '@podctl/platform/authority/nats-claims.ts';
import { systemClock } from '@podctl/platform/clock.ts';
import { joinFleet, renewCredential } from '@podctl/platform/enrolment-client.ts';
import { openLibrary } from '@podctl/platform/library/file-library.ts';
import { lookUpAccount, updateAccount } from '@podctl/platform/nats/account-claims.ts';
import { openBucket } from '@podctl/platform/nats/bucket.ts';
import { natsBus } from '@podctl/platform/nats/bus.ts';
import { connectNats } from '@podctl/platform/nats/connection.ts';
import { natsLogin } from '@podctl/platform/nats-login.ts';
import { AgentState } from '@podctl/proto/podctl/v1/agent.ts';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { runRestore } from '../../apps/coordinator/src/restore.ts';
import { fleetKeys } from '../../apps/coordinator/src/security.ts';
import { agentNamed, tokenIn } from '../support/access-world.ts';
import { AgentDouble } from '../support/agent-double.ts';
import { EnrolmentFleet } from './enrolment-fleet.ts';

const never = new AbortController().signal;
const OUT_WITHIN_MS = 5_000;
const SOON = { timeout: 10_000, interval: 20 };

let fleet: EnrolmentFleet;
beforeAll(async () => {
  fleet = await EnrolmentFleet.start();
});
afterAll(() => fleet.stop());

/** A connection of a user with every right in an account of the fleet. */
async function inside(of: 'account' | 'systemAccount') {
  const { nats, authority } = {
    nats: (await fleet.bootstrap()).nats,
    authority: fleet.nats.authority,
  };
  const text = await fullCredentials(authority.nats, of, 'test');
  const auth = { kind: 'credentials', read: () => text } as const;
  const login = { ...(await natsLogin(nats, authority)), auth, name: 'test' };
  const ports = { clock: systemClock, random: Math.random, listen: () => {} };
  return await connectNats(login, ports, never);
}

/** What the NATS server refuses. */
async function revokedAtNats(): Promise<readonly string[]> {
  const system = await inside('systemAccount');
  const seeds = fleet.nats.authority.nats;
  const text = await lookUpAccount(system, publicKeyOf(seeds.account));
  await system.close();
  return [...(accountClaimsIn(seeds, text ?? '')?.revoked.keys() ?? [])];
}

test('a machine joins with one line, works, and is out within 5 s of its revocation, and nobody else is', async () => {
  const [gone, stays] = [await fleet.joined('gone'), await fleet.joined('stays')];
  await writeFile(fleet.file('before.backup.gz'), gzipSync(await fleet.backup()));
  const ended = Promise.withResolvers<number>();
  const link = await fleet.connected(gone, ({ kind }) => {
    if (kind === 'disconnected' || kind === 'closed') ended.resolve(performance.now());
  });
  const other = await fleet.connected(stays);
  const library = await openLibrary(fleet.file('library'), null);
  const agent = new AgentDouble(
    natsBus(link.nc, () => {}),
    library,
    'gone',
  );
  const second = new AgentDouble(
    natsBus(other.nc, () => {}),
    library,
    'stays',
  );
  expect((await agent.hello()).kind).toBe('welcome');
  expect((await second.hello()).kind).toBe('welcome');
  await vi.waitFor(async () => expect(await fleet.stateOf('gone')).toBe(AgentState.LIVE), SOON);

  const beganAtMs = performance.now();
  expect(await fleet.revoke('gone')).toBe(true);
  expect((await ended.promise) - beganAtMs).toBeLessThan(OUT_WITHIN_MS);
  await vi.waitFor(async () => expect(await fleet.stateOf('gone')).toBe(AgentState.GONE), SOON);
  expect(await renewCredential(gone, never)).toMatchObject({ error: { kind: 'refused' } });
  expect(performance.now() - beganAtMs).toBeLessThan(OUT_WITHIN_MS);

  await expect(fleet.connected(gone)).rejects.toThrow(/refused the credentials/);
  expect(other.counts().disconnects).toBe(0);
  expect(await fleet.stateOf('stays')).toBe(AgentState.LIVE);
  expect((await renewCredential(stays, never)).ok).toBe(true);
});

test('agents that are revoked in the same second, at two coordinators, are all out, and the leader ends their sessions', async () => {
  const second = await fleet.startSecond();
  const names = ['first', 'second', 'third'];
  const library = await openLibrary(fleet.file('library'), null);
  const outs: Promise<void>[] = [];
  for (const name of names) {
    const ended = Promise.withResolvers<void>();
    outs.push(ended.promise);
    const link = await fleet.connected(await fleet.joined(name), ({ kind }) => {
      if (kind === 'disconnected' || kind === 'closed') ended.resolve();
    });
    const agent = new AgentDouble(
      natsBus(link.nc, () => {}),
      library,
      name,
    );
    expect((await agent.hello()).kind).toBe('welcome');
  }
  const applied = await Promise.all(
    names.map((name, n) => fleet.revoke(name, n % 2 === 0 ? second : fleet.endpoint)),
  );
  expect(applied).toEqual([true, true, true]);
  await Promise.all(outs);
  for (const name of names)
    await vi.waitFor(async () => expect(await fleet.stateOf(name)).toBe(AgentState.GONE), SOON);
  const page = await (await fetch(`http://${fleet.endpoint.http}/metrics`)).text();
  expect(page).toContain('podctl_revocations_pending 0');
  expect(page).toContain('podctl_access_events_total{action="credential_revoked"} ');
  await fleet.stopSecond();
});

test('a key that is out stays out when the coordinator and NATS start again', async () => {
  const gone = await fleet.joined('restarted');
  await fleet.connected(gone);
  expect(await fleet.revoke('restarted')).toBe(true);
  await fleet.stopCoordinator();
  await fleet.nats.server.restart();
  await expect(fleet.connected(gone)).rejects.toThrow(/refused the credentials/);
  await fleet.startCoordinator();
  await expect(fleet.connected(gone)).rejects.toThrow(/refused the credentials/);
  // The byte listener is at another port now.
  const moved = { ...gone, coordinators: [`https://${fleet.endpoint.bytes}`] };
  expect(await renewCredential(moved, never)).toMatchObject({ error: { kind: 'refused' } });
});

test('a revocation that somebody lifted at NATS is put back, beside those that were lifted with it', async () => {
  const gone = await fleet.joined('lifted');
  expect(await fleet.revoke('lifted')).toBe(true);
  const before = await revokedAtNats();
  expect(before.length).toBeGreaterThan(1);
  const seeds = fleet.nats.authority.nats;
  const system = await inside('systemAccount');
  const laterS = Math.floor(Date.now() / 1_000) + 100;
  await updateAccount(system, await accountJwt(seeds, new Map(), laterS));
  await system.close();
  await fleet.connected(gone);
  // Any change has the coordinator look; else it does every 30 s.
  await fleet.newToken();
  await vi.waitFor(async () => expect(await revokedAtNats()).toEqual(before), SOON);
  await expect(fleet.connected(gone)).rejects.toThrow(/refused the credentials/);
});

test('a revoked agent joins again only with new keys and a fresh token', async () => {
  const first = await fleet.joined('again');
  await fleet.revoke('again');
  const second = await fleet.joined('again');
  expect(second.natsSeed).not.toBe(first.natsSeed);
  const link = await fleet.connected(second);
  const library = await openLibrary(fleet.file('library'), null);
  const agent = new AgentDouble(
    natsBus(link.nc, () => {}),
    library,
    'again',
  );
  expect((await agent.hello()).kind).toBe('welcome');
  const token = tokenIn(await fleet.newToken());
  const taken = await joinFleet(token, agentNamed('again'), { signal: never });
  expect(taken).toMatchObject({
    error: { kind: 'refused', sentence: expect.stringContaining('remove NAME') },
  });
});

test('a restore of what was backed up before a revocation does not let anybody in again', async () => {
  await fleet.stopCoordinator();
  const link = await inside('account');
  for (const name of [BUCKETS.state, BUCKETS.meta, BUCKETS.lead]) {
    const { jsm, stream } = await openBucket(link, { name, replicas: 1 }, systemClock, never);
    await jsm.streams.delete(stream);
  }
  await link.close();
  const say = () => {};
  const log = { debug: say, info: say, warn: say, error: say, child: () => log };
  const file = fleet.file('before.backup.gz');
  expect(await runRestore(await fleet.bootstrap(), file, log, never)).toBe(0);
  await fleet.startCoordinator();
  const read = readAgentCredential(fleet.file('gone.json'));
  const gone = read.ok ? read.value : null;
  if (gone === null) throw new Error('the credential of before is gone');
  await expect(fleet.connected(gone)).rejects.toThrow(/refused the credentials/);
  const moved = { ...gone, coordinators: [`https://${fleet.endpoint.bytes}`] };
  expect(await renewCredential(moved, never)).toMatchObject({ error: { kind: 'refused' } });
});

test('an agent that NATS lets in, and no record, is refused, but for one that runs beside the coordinator', async () => {
  const seeds = fleet.nats.authority.nats;
  const library = await openLibrary(fleet.file('library'), null);
  const answerTo = async (name: string) => {
    const text = await localAgentCredentials(seeds, agentNamed(name));
    const auth = { kind: 'credentials', read: () => text } as const;
    const { nats } = await fleet.bootstrap();
    const login = { ...(await natsLogin(nats, fleet.nats.authority)), auth, name };
    const ports = { clock: systemClock, random: Math.random, listen: () => {} };
    const inboxPrefix = `${AGENT_INBOXES}.${name}`;
    const link = await connectNats({ ...login, inboxPrefix }, ports, never);
    const bus = natsBus(link.nc, () => {});
    const answer = await new AgentDouble(bus, library, name).hello();
    await link.close();
    return answer;
  };
  expect(await answerTo('unheard')).toMatchObject({
    kind: 'refused',
    reason: expect.stringContaining('not known to the fleet'),
  });
  expect(await answerTo('beside')).toMatchObject({ kind: 'welcome' });
});

test('a coordinator does not speak in the clear with NATS of another machine', async () => {
  const as = { kind: 'nobody' } as const;
  const nats = { servers: ['nats://10.0.0.1:4222'], as, ca: null };
  await expect(fleetKeys({ ...(await fleet.bootstrap()), nats })).rejects.toThrow(
    'name it tls://10.0.0.1:4222',
  );
});

test('each step was told to the audit log, and no secret is in any line', async () => {
  const audited = fleet.lines.filter((line) => line.includes('"audit":'));
  for (const action of ['token_made', 'token_used', 'credential_made', 'credential_revoked'])
    expect(audited.filter((line) => line.includes(`"audit":"${action}"`)).length).toBeGreaterThan(
      3,
    );
  expect(fleet.lines.join('\n')).not.toMatch(/pj1\.|pu1\.|PRIVATE KEY|SUA[A-Z2-7]{50}/);
});
