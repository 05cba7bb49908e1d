import { once } from 'node:events';
import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type AgentCredential, writeAgentCredential } from '@podctl/platform/agent-credential.ts';
import { issueForAgent, issueForServer, makeCa } from '@podctl/platform/authority/certificates.ts';
import { agentJwt } from '@podctl/platform/authority/nats-claims.ts';
import { SERVER_NAMES } from '@podctl/platform/authority/server-names.ts';
import { makeMachineKeys } from '@podctl/platform/enrolment-client-issue.ts';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { agentNamed } from '../../../../test/support/access-world.ts';
import { type SecureNats, startSecureNats } from '../../../../test/support/secure-nats.ts';
import { aheadMs } from './core/clock-words.ts';
import { probeMembership } from './probe-membership.ts';

const HOUR_MS = 3_600_000;
const { signal } = new AbortController();
const agent = agentNamed('gpu1');
let nats: SecureNats;
let coordinator: Server;
let url: string;
let folder: string;
/** How far the coordinator's clock is ahead. */
let aheadBy = 0;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'podctl-membership-'));
  nats = await startSecureNats();
  const { certPem: cert, keyPem: key } = await issueForServer(
    nats.authority.ca,
    [SERVER_NAMES.coordinator],
    around(),
  );
  coordinator = createServer({ cert, key }, (_, response) => {
    response.setHeader('date', new Date(Date.now() + aheadBy).toUTCString());
    response.end('ca');
  });
  coordinator.listen(0, '127.0.0.1');
  await once(coordinator, 'listening');
  const address = coordinator.address();
  url = `https://127.0.0.1:${typeof address === 'object' ? address?.port : 0}`;
});

afterAll(async () => {
  coordinator.closeAllConnections();
  coordinator.close();
  await nats.stop();
  await rm(folder, { recursive: true });
});

function around() {
  return { fromMs: Date.now() - HOUR_MS, toMs: Date.now() + HOUR_MS };
}

async function credentialFile(change: Partial<AgentCredential> = {}): Promise<string> {
  const { ca, nats: seeds } = nats.authority;
  const keys = makeMachineKeys();
  const path = join(folder, `${Math.random()}.json`);
  await writeAgentCredential(path, {
    ...{ agent, natsServers: [nats.url], coordinators: [url], caPem: ca.certPem },
    natsSeed: new TextDecoder().decode(keys.nats.getSeed()),
    natsJwt: await agentJwt(seeds, agent, keys.nats.getPublicKey(), Date.now() + HOUR_MS),
    tlsKeyPem: keys.tlsKeyPem,
    tlsCertPem: await issueForAgent(ca, agent, keys.tlsPublicKeyPem, around()),
    ...{ issuedMs: 1_000, expiresMs: 2_000 },
    ...change,
  });
  return path;
}

it('a credential that is good opens NATS over TLS and the byte listener', async () => {
  const path = await credentialFile();
  const { credential, nats: seen, bytes } = await probeMembership(path, signal);
  expect(credential).toEqual({
    ...{ kind: 'there', path, agent, issuedMs: 1_000, expiresMs: 2_000, mode: 0o600 },
  });
  expect(seen).toMatchObject({ kind: 'seen', value: { version: expect.stringMatching(/^2\./) } });
  expect(bytes).toMatchObject([{ url, seen: { kind: 'seen' } }]);
  await chmod(path, 0o644);
  expect((await probeMembership(path, signal)).credential).toMatchObject({ mode: 0o644 });
});

it("the coordinator's clock is read from its answer", async () => {
  aheadBy = 600_000;
  const { bytes } = await probeMembership(await credentialFile(), signal);
  aheadBy = 0;
  const [first] = bytes;
  const ahead = first?.seen.kind === 'seen' ? aheadMs(first.seen.value) : null;
  expect(Math.round((ahead ?? 0) / 10_000)).toBe(60);
});

it('the CA of another fleet trusts neither', async () => {
  const { certPem: caPem } = await makeCa(around());
  const { nats: seen, bytes } = await probeMembership(await credentialFile({ caPem }), signal);
  expect(seen).toMatchObject({ kind: 'unseen', why: expect.stringContaining('certificate') });
  expect(bytes[0]?.seen).toMatchObject({
    kind: 'unseen',
    why: expect.stringContaining("it does not prove to be of this agent's fleet"),
    fix: 'join anew if the fleet has new keys',
  });
});

it('what is no credential, or none at all, has nothing asked with it', async () => {
  const path = join(folder, 'bad.json');
  await writeFile(path, '{"natsSeed":"SUSECRET"}');
  const bad = await probeMembership(path, signal);
  expect(bad).toMatchObject({ credential: { kind: 'broken' }, nats: null, bytes: [] });
  expect(JSON.stringify(bad)).not.toContain('SUSECRET');
  const none = join(folder, 'none.json');
  expect(await probeMembership(none, signal)).toEqual({
    ...{ credential: { kind: 'absent', path: none }, nats: null, bytes: [] },
  });
});
