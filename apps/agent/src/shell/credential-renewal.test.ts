import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { agentId } from '@podctl/domain/ids.ts';
import { err, ok } from '@podctl/domain/result.ts';
import {
  type AgentCredential,
  readAgentCredential,
  writeAgentCredential,
} from '@podctl/platform/agent-credential.ts';
import { createLogger } from '@podctl/platform/logger.ts';
import { ManualClock } from '@podctl/platform/twin/manual-clock.ts';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { CredentialRenewal } from './credential-renewal.ts';

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;
const agent = agentId('gpu-1');
if (!agent.ok) throw new Error(agent.error);
const log = createLogger({ level: 'error', component: 'test' });

let folder: string;
let path: string;
let clock: ManualClock;
let renewal: CredentialRenewal;
/** When somebody was asked. */
let asked: number[];
let answers: boolean;
let told: AgentCredential[];
const startMs = Date.UTC(2026, 0, 1);

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'podctl-renewal-'));
  path = join(folder, 'credential.json');
  clock = new ManualClock(startMs);
  asked = [];
  told = [];
  answers = true;
  await writeAgentCredential(path, issued());
  renewal = new CredentialRenewal({
    path,
    credential: issued(),
    renew: async () => {
      asked.push((clock.wallMs() - startMs) / DAY_MS);
      return answers
        ? ok(issued())
        : err({ kind: 'unreachable', sentence: 'nobody answers' } as const);
    },
    renewed: (credential) => told.push(credential),
    clock,
    random: () => 0.5,
    log,
  });
});
afterEach(async () => {
  await renewal.stop();
  expect(clock.sleeping()).toBe(0);
  await rm(folder, { recursive: true });
});

/** As if issued now, in virtual time. */
function issued(): AgentCredential {
  const issuedMs = clock.wallMs();
  return {
    agent: agent.ok ? agent.value : (undefined as never),
    natsServers: ['tls://nats:4222'],
    coordinators: ['https://coordinator:7444'],
    caPem: 'ca',
    natsSeed: 'seed',
    natsJwt: 'jwt',
    tlsKeyPem: 'key',
    tlsCertPem: `certificate of ${issuedMs}`,
    issuedMs,
    expiresMs: issuedMs + 30 * DAY_MS,
  };
}

/** Writing a file takes real time, whatever the virtual one does. */
const inFile = (issuedDay: number) =>
  vi.waitFor(() => {
    const credential = readAgentCredential(path);
    expect(credential).toMatchObject({
      ok: true,
      value: { issuedMs: startMs + issuedDay * DAY_MS },
    });
    expect(renewal.credential.issuedMs).toBe(startMs + issuedDay * DAY_MS);
  });

describe('an agent’s credential', () => {
  test('is renewed at two thirds of its life, again and again, and the file holds the newest', async () => {
    await renewal.start();
    await clock.advance(20 * DAY_MS);
    expect(asked).toEqual([]);
    await clock.advance(DAY_MS);
    expect(asked).toEqual([20.25]);
    await inFile(20.25);
    await clock.advance(20 * DAY_MS);
    expect(asked).toEqual([20.25, 40.5]);
    await inFile(40.5);
    expect(told.map(({ issuedMs }) => (issuedMs - startMs) / DAY_MS)).toEqual([20.25, 40.5]);
    expect(renewal).toMatchObject({ problem: null, failures: 0 });
  });

  test('that nobody renews is asked for every hour, told when three days are left, and mended by an answer', async () => {
    answers = false;
    await renewal.start();
    await clock.advance(26 * DAY_MS);
    expect(renewal.problem).toBeNull();
    expect(renewal.failures).toBe(asked.length);
    const before = asked.length;
    await clock.advance(DAY_MS);
    // With this chance, three quarters of an hour between two.
    expect(asked.length - before).toBe(32);
    await clock.advance(HOUR_MS);
    expect(renewal.problem).toBe(
      'this agent’s credential ends in 71 h and cannot be renewed: nobody answers',
    );
    answers = true;
    await clock.advance(HOUR_MS);
    await vi.waitFor(() => expect(renewal.problem).toBeNull());
    expect(told).toHaveLength(1);
  });

  test('is looked after though the clock was set while it slept', async () => {
    await renewal.start();
    await clock.advance(HOUR_MS);
    clock.jumpWall(25 * DAY_MS);
    await clock.advance(HOUR_MS);
    expect(asked).toHaveLength(1);
    await vi.waitFor(() => expect(told).toHaveLength(1));
  });

  test('that came by joining anew is taken from the file, and nobody is asked', async () => {
    await renewal.start();
    await clock.advance(10 * DAY_MS);
    await writeAgentCredential(path, issued());
    await clock.advance(11 * DAY_MS);
    expect(asked).toEqual([]);
    expect(renewal.credential.issuedMs).toBe(startMs + 10 * DAY_MS);
    expect(told).toHaveLength(1);
  });

  test('that cannot be written is tried again, and the old one goes on', async () => {
    await rm(folder, { recursive: true });
    await writeFile(folder, 'in the way');
    await renewal.start();
    await clock.advance(20.5 * DAY_MS);
    await vi.waitFor(() => expect(renewal.failures).toBe(1));
    expect(renewal.credential.issuedMs).toBe(startMs);
    expect(told).toEqual([]);
  });

  test('is not asked for any more once the agent stops', async () => {
    await renewal.start();
    await renewal.stop();
    await renewal.stop();
    await clock.advance(30 * DAY_MS);
    expect(asked).toEqual([]);
  });
});
