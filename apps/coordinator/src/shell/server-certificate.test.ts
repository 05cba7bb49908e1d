import { X509Certificate } from 'node:crypto';
import { type KeyedCertificate, makeCa } from '@podctl/platform/authority/certificates.ts';
import { ManualClock } from '@podctl/platform/twin/manual-clock.ts';
import { afterEach, beforeAll, beforeEach, expect, test } from 'vitest';
import { ServerCertificate } from './server-certificate.ts';

const DAY_MS = 86_400_000;
const HOUR_MS = 3_600_000;
const say = () => {};
const log = { debug: say, info: say, warn: say, error: say };

let ca: KeyedCertificate;
let clock: ManualClock;
let certificate: ServerCertificate;
let issued: Promise<void>;
beforeAll(async () => {
  const now = new ManualClock().wallMs();
  ca = await makeCa({ fromMs: now, toMs: now + 3_650 * DAY_MS });
});
beforeEach(async () => {
  clock = new ManualClock();
  const hosts = ['head.example.org', '10.0.0.7', 'localhost'];
  certificate = await ServerCertificate.make({ ca, hosts, clock, log });
  issued = new Promise((resolve) => certificate.onChange(resolve));
  await certificate.start();
});
afterEach(() => certificate.stop());

const seen = () => new X509Certificate(certificate.current().certPem);

test('it is by the CA of the fleet, for the names of this machine, what stays on it, and what clients of the fleet check', () => {
  expect(seen().verify(new X509Certificate(certificate.current().caPem).publicKey)).toBe(true);
  const hosts = ['head.example.org', 'localhost', 'coordinator.podctl.internal'];
  expect(hosts.map((host) => seen().checkHost(host))).toEqual(hosts);
  const addresses = ['10.0.0.7', '127.0.0.1', '::1'];
  expect(addresses.every((address) => seen().checkIP(address) !== undefined)).toBe(true);
  expect(seen().checkHost('other.example.org')).toBeUndefined();
});

test('it is made anew when two thirds of its 90 days are over, and not before', async () => {
  const first = seen().serialNumber;
  await clock.advance(59 * DAY_MS);
  expect(seen().serialNumber).toBe(first);
  await clock.advance(DAY_MS + HOUR_MS);
  await issued;
  expect(seen().serialNumber).not.toBe(first);
  expect(seen().validToDate.getTime() - clock.wallMs()).toBeGreaterThan(89 * DAY_MS);
});

test('it is made anew when the clock was set back, so that nobody finds one of the future', async () => {
  clock.jumpWall(-10 * DAY_MS);
  await clock.advance(HOUR_MS);
  await issued;
  expect(seen().validFromDate.getTime()).toBeLessThan(clock.wallMs());
});
