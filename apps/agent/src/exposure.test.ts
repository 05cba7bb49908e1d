import { describe, expect, test } from 'vitest';
import { type Exposure, exposureProblem } from './exposure.ts';

const at = (
  host: string,
  coordinators: readonly string[] = [],
  hasCredential = false,
): Exposure => ({
  httpListen: { host, port: 9402 },
  nats: { servers: ['nats://127.0.0.1:4222'], as: { kind: 'nobody' }, ca: null },
  coordinators,
  hasCredential,
});

describe('an agent without a credential', () => {
  test.each(['127.0.0.1', '::1', 'localhost'])('may listen on %s', (host) => {
    expect(exposureProblem(at(host))).toBeNull();
  });

  test.each(['0.0.0.0', '::', '10.0.0.1', 'gpu-1.lan'])('may not listen on %s', (host) => {
    expect(exposureProblem(at(host))).toMatch(
      /^agent\.http\.listen: .*:9402 is reached by other machines, .*: listen on 127\.0\.0\.1, or let this machine join/,
    );
  });

  test('speaks with coordinators of its own machine only', () => {
    expect(exposureProblem(at('::1', ['http://127.0.0.1:1', 'http://[::1]:2']))).toBeNull();
    expect(exposureProblem(at('::1', ['http://127.0.0.1:1', 'http://c.lan:2']))).toMatch(
      /^the coordinator http:\/\/c\.lan:2 is on another machine, .*: name its https address$/,
    );
    expect(exposureProblem(at('::1', ['https://c.lan:2']))).toMatch(/open to agents that joined/);
  });
});

describe('an agent with a credential', () => {
  test('may listen anywhere, and speaks with coordinators over TLS', () => {
    expect(exposureProblem(at('0.0.0.0', ['https://c.lan:1'], true))).toBeNull();
  });

  test('speaks in the clear with its own machine only', () => {
    expect(exposureProblem(at('::1', ['http://localhost:1'], true))).toBeNull();
    expect(exposureProblem(at('::1', ['http://127.0.0.1.evil.lan:1'], true))).toMatch(
      /name its https/,
    );
  });
});

test('an agent says nothing to NATS servers of other machines in the clear', () => {
  const nats = { servers: ['nats://n.lan:4222'], as: { kind: 'nobody' }, ca: null } as const;
  expect(exposureProblem({ ...at('::1'), nats })).toMatch(/name it tls:\/\/n\.lan:4222/);
});
