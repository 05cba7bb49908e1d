import { loadSettings } from '@podctl/platform/config/load.ts';
import type { Settings } from '@podctl/platform/config/settings.ts';
import { expect, test } from 'vitest';
import { settled, unmet, type Wishes } from './wishes.ts';

const NONE: Wishes = { advertise: null, natsHosts: null, replicas: null, libraryDir: null };

const settings = (overrides: Readonly<Record<string, unknown>>): Promise<Settings> =>
  loadSettings({ file: null, dataDir: '/data', version: '0', overrides });

test('without a wish there is one NATS server, on this machine', () => {
  expect(settled(NONE, null)).toEqual({
    advertise: null,
    natsHosts: ['127.0.0.1'],
    replicas: 1,
    libraryDir: null,
  });
});

test('a fleet that others are told to find on an address of loopback has its NATS server there', () => {
  expect(settled({ ...NONE, advertise: ['127.0.0.9'] }, null).natsHosts).toEqual(['127.0.0.9']);
});

test('the state is kept on every server of a cluster, unless less was asked for', () => {
  const natsHosts = ['a', 'b', 'c'];
  expect(settled({ ...NONE, natsHosts }, null).replicas).toBe(3);
  expect(settled({ ...NONE, natsHosts, replicas: 1 }, null).replicas).toBe(1);
});

test.each([
  [{ natsHosts: ['a', 'b'] }, '--nats-host names 2 hosts'],
  [{ natsHosts: ['a', 'b', 'a'] }, '--nats-host names a host twice'],
  [{ replicas: 3 }, '--replicas 3 needs as many NATS servers'],
])('%j is refused', (wish, words) => {
  expect(() => settled({ ...NONE, ...wish }, null)).toThrow(words);
});

test('a configuration that is there wins over every wish, and each wish that differs is told', async () => {
  const there = await settings({
    nats: { url: 'tls://n1:4222,tls://n2:4222,tls://n3:4222', replicas: 3 },
    coordinator: { advertise: 'fleet.example' },
    library: { url: 'file:/srv/pods' },
  });
  const wishes = { advertise: ['x'], natsHosts: ['y'], replicas: 1, libraryDir: '/z' };
  expect(settled(wishes, there)).toEqual({
    advertise: ['fleet.example'],
    natsHosts: ['n1', 'n2', 'n3'],
    replicas: 3,
    libraryDir: '/srv/pods',
  });
  expect(unmet(wishes, there)).toEqual([
    'coordinator.advertise is fleet.example (--host)',
    'nats.url names n1,n2,n3 (--nats-host)',
    'nats.replicas is 3 (--replicas)',
    'library.url is /srv/pods (--library)',
  ]);
  expect(unmet(NONE, there)).toEqual([]);
});

test('a library may be a bucket, and one that is there wins', async () => {
  const libraryBucket = 's3://pods/a/?region=eu-central-1';
  const wish = { ...NONE, libraryBucket };
  expect(settled(wish, null)).toMatchObject({ libraryDir: null, libraryBucket });
  const there = await settings({ library: { url: 's3://pods/a?region=eu-central-1' } });
  expect(settled(NONE, there)).toMatchObject({ libraryDir: null, libraryBucket });
  expect(unmet(wish, there)).toEqual([]);
  expect(unmet({ ...NONE, libraryDir: '/z' }, there)).toEqual([
    `library.url is ${libraryBucket} (--library)`,
  ]);
});

test('the library in the data folder needs no folder of its own', async () => {
  expect(settled(NONE, await settings({})).libraryDir).toBeNull();
});
