import { mkdtemp, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createUser } from '@nats-io/nkeys';
import { agentId } from '@podctl/domain/ids.ts';
import { invariant } from '@podctl/domain/result.ts';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import {
  type AgentCredential,
  coordinatorTls,
  readAgentCredential,
  writeAgentCredential,
} from './agent-credential.ts';
import { SERVER_NAMES } from './authority/server-names.ts';
import { natsLogin } from './nats-login.ts';

const agent = agentId('gpu-1');
invariant(agent.ok, 'an agent id');
const credential: AgentCredential = {
  agent: agent.value,
  natsServers: ['tls://10.0.0.1:4222'],
  coordinators: ['https://10.0.0.1:7444'],
  caPem: 'CA',
  natsSeed: new TextDecoder().decode(createUser().getSeed()),
  natsJwt: 'first.jwt.here',
  tlsKeyPem: 'KEY',
  tlsCertPem: 'CERTIFICATE',
  issuedMs: 1,
  expiresMs: 2,
};

let folder: string;
let path: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'podctl-credential-'));
  path = join(folder, 'agent', 'credential.json');
});
afterEach(() => rm(folder, { recursive: true }));

describe('the file of an agent’s credential', () => {
  test('is for its owner alone, and holds what was written', async () => {
    expect(readAgentCredential(path)).toEqual({ ok: true, value: null });
    await writeAgentCredential(path, credential);
    expect((await stat(path)).mode & 0o777).toBe(0o600);
    expect(readAgentCredential(path)).toEqual({ ok: true, value: credential });
  });

  test.each([
    ['no JSON', 'SECRET {'],
    ['half of one', JSON.stringify({ agent: 'gpu-1', natsSeed: 'SECRET' })],
    ['too long', JSON.stringify({ ...credential, natsSeed: 'SECRET'.repeat(20_000) })],
  ])('that is %s is refused with what to do, and none of it is said', async (_what, text) => {
    await writeAgentCredential(path, credential);
    await writeFile(path, text);
    const read = readAgentCredential(path);
    expect(read.ok).toBe(false);
    const sentence = read.ok ? '' : read.error;
    expect(sentence).toMatch(/remove it and join anew with a fresh token/);
    expect(sentence).not.toContain('SECRET');
  });
});

describe('an agent that logs in to NATS', () => {
  const access = (ca: string | null, servers = credential.natsServers) => ({
    servers,
    as: { kind: 'agent', credentialFile: path } as const,
    ca,
  });

  test('shows at each connection what the file holds then', async () => {
    await writeAgentCredential(path, credential);
    const { auth } = await natsLogin(access('CA'));
    invariant(auth.kind === 'credentials', 'an agent shows credentials');
    expect(auth.read()).toContain('first.jwt.here');
    expect(auth.read()).toContain(credential.natsSeed);
    await writeAgentCredential(path, { ...credential, natsJwt: 'second.jwt.here' });
    expect(auth.read()).toContain('second.jwt.here');
    await rm(path);
    expect(() => auth.read()).toThrow(/is gone; join anew with a fresh token/);
  });

  test('never does so in the clear, and only to the fleet’s own servers', async () => {
    expect((await natsLogin(access('CA'))).tls).toEqual({
      ca: 'CA',
      servername: SERVER_NAMES.nats,
    });
    expect((await natsLogin(access(null, ['nats://10.0.0.1:4222']))).tls).toEqual({});
  });
});

test('others log in over TLS when a CA or their server’s address says so', async () => {
  const login = (servers: readonly string[], ca: string | null) =>
    natsLogin({ servers, as: { kind: 'nobody' }, ca });
  expect((await login(['nats://127.0.0.1:4222'], null)).tls).toBeUndefined();
  expect((await login(['tls://nats.lan:4222'], null)).tls).toEqual({});
  expect((await login(['nats://nats.lan:4222'], 'CA')).tls).toEqual({ ca: 'CA' });
});

test('a coordinator is known by its own name, not by the address it is reached under', () => {
  const { checkServerIdentity } = coordinatorTls('CA');
  const certificate = (name: string) =>
    ({ subject: { CN: 'podctl' }, subjectaltname: `DNS:${name}` }) as never;
  expect(checkServerIdentity('10.0.0.1', certificate(SERVER_NAMES.coordinator))).toBeUndefined();
  for (const name of ['gpu-2.agent.podctl.internal', SERVER_NAMES.nats])
    expect(checkServerIdentity(name, certificate(name))).toBeInstanceOf(Error);
});
