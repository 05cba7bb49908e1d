import type { PeerCertificate } from 'node:tls';
import { describe, expect, test } from 'vitest';
import { tlsSettings } from './tls.ts';

const certificateOf = (names: string) =>
  ({ subject: { CN: 'podctl' }, subjectaltname: names }) as unknown as PeerCertificate;

const check = (servers: readonly string[], host: string, names: string) => {
  const settings = tlsSettings({ ca: 'PEM' }, servers);
  const identity = 'checkServerIdentity' in settings ? settings.checkServerIdentity : null;
  if (typeof identity !== 'function') throw new Error('the settings check an identity');
  return identity(host, certificateOf(names)) === undefined;
};

describe('the name in a NATS server’s certificate', () => {
  test('is checked against the server’s name when it has one', () => {
    expect(check(['tls://nats.lan:4222'], 'nats.lan', 'DNS:nats.lan')).toBe(true);
    expect(check(['tls://nats.lan:4222'], 'nats.lan', 'DNS:other.lan')).toBe(false);
    expect(check(['tls://localhost:4222'], 'localhost', 'DNS:localhost')).toBe(true);
  });

  test('is checked against the addresses that we were told when the client names none', () => {
    const servers = ['tls://10.0.0.1:4222', 'tls://u:p@10.0.0.2:4222', 'tls://[fd00::3]:4222'];
    expect(check(servers, 'localhost', 'IP Address:10.0.0.2')).toBe(true);
    expect(check(servers, 'localhost', 'IP Address:FD00:0:0:0:0:0:0:3')).toBe(true);
    expect(check(servers, 'localhost', 'IP Address:10.0.0.9')).toBe(false);
    expect(check(servers, 'localhost', 'DNS:localhost')).toBe(false);
    expect(check(servers, 'localhost', 'DNS:gpu-1.agent.podctl.internal')).toBe(false);
  });
});
