import { expect, test } from 'vitest';
import type { NatsIdentity } from './bootstrap.ts';
import { plainNatsProblem } from './nats-login.ts';

const nobody: NatsIdentity = { kind: 'nobody' };
const problem = (servers: readonly string[], ca: string | null = null, as: NatsIdentity = nobody) =>
  plainNatsProblem({ servers, as, ca });

test('what is said to NATS on this machine may be in the clear', () => {
  expect(
    problem(['nats://127.0.0.1:4222', 'nats://[::1]:4222', 'nats://localhost:4222']),
  ).toBeNull();
});

test('what is said to NATS on another machine is encrypted: by tls://, by certificates, or for an agent', () => {
  expect(problem(['tls://n.lan:4222'])).toBeNull();
  expect(problem(['nats://n.lan:4222'], 'CA')).toBeNull();
  expect(
    problem(['nats://n.lan:4222'], null, { kind: 'agent', credentialFile: '/c.json' }),
  ).toBeNull();
});

test('else it is refused in one sentence, without a password of the address', () => {
  expect(problem(['nats://127.0.0.1:4222', 'nats://ann:hunter2@n.lan:4222'])).toBe(
    'the NATS server n.lan:4222 is on another machine, and what is sent there would not be encrypted: name it tls://n.lan:4222, or set nats.caFile to the certificates that it is checked with',
  );
  expect(problem(['nats://127.0.0.1.evil.lan:4222'])).toMatch(/not be encrypted/);
});
