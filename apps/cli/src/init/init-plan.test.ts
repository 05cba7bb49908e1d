import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { loadSettings } from '@podctl/platform/config/load.ts';
import { expect, test } from 'vitest';
import { type InitFacts, planInit } from './init-plan.ts';
import { natsServerText } from './nats-files.ts';

const FACTS: InitFacts = {
  service: true,
  root: '/',
  folder: '/etc/podctl',
  advertise: null,
  hosts: ['192.0.2.1', 'box'],
  natsHosts: ['127.0.0.1'],
  natsHere: [0],
  replicas: 1,
  libraryDir: null,
  node: '/usr/bin/node',
  script: '/usr/lib/podctl/podctl.js',
  natsProgram: '/usr/bin/nats-server',
};
const THREE = { natsHosts: ['192.0.2.1', 'n2.example', 'n3.example'], replicas: 3 };

test('a service has its state where systemd keeps it, its keys in the folder, and two units', () => {
  const plan = planInit(FACTS);
  expect(plan.dataDir).toBe('/var/lib/podctl-coordinator');
  expect(plan.natsServers.map(({ folder }) => folder)).toEqual(['/var/lib/podctl-nats']);
  expect(plan.units.map(({ name }) => name)).toEqual([
    'podctl-nats.service',
    'podctl-coordinator.service',
  ]);
  const [nats, coordinator] = plan.units.map(({ file }) => file.text);
  expect(nats).toContain('ExecStart=/usr/bin/nats-server -c nats-server.conf');
  expect(nats).toContain('WorkingDirectory=/var/lib/podctl-nats');
  expect(coordinator).toContain('coordinator run --config /etc/podctl/podctl.yaml');
  expect(plan.owned).toEqual([
    '/var/lib/podctl-coordinator',
    '/etc/podctl/authority',
    '/var/lib/podctl-nats',
  ]);
  expect([plan.commands, plan.errands]).toEqual([[], []]);
});

test('its configuration is a valid one: it listens for others, and shows health to this machine only', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'podctl-plan-'));
  const file = join(folder, 'podctl.yaml');
  await writeFile(file, planInit({ ...FACTS, libraryDir: '/srv/pods', ...THREE }).config.text);
  const settings = await loadSettings({ file, dataDir: '/nowhere', version: '0' });
  await rm(folder, { recursive: true });
  expect(settings).toMatchObject({
    dataDir: '/var/lib/podctl-coordinator',
    library: { folder: '/srv/pods' },
    nats: {
      servers: ['tls://192.0.2.1:4222', 'tls://n2.example:4222', 'tls://n3.example:4222'],
      replicas: 3,
    },
    coordinator: {
      grpc: { listen: { host: '0.0.0.0', port: 7070 } },
      bytes: { listen: { host: '0.0.0.0', port: 7071 } },
      http: { listen: { host: '127.0.0.1', port: 7072 } },
    },
  });
});

test('a library in a bucket has its URL in the settings and its credentials in a file of root’s', () => {
  const libraryBucket = 's3://pods/a/?region=eu-central-1';
  const plan = planInit({ ...FACTS, libraryBucket });
  expect(plan.config.text).toContain(`url: "${libraryBucket}"`);
  expect(plan.units.at(-1)?.file.text).toContain('EnvironmentFile=-/etc/podctl/bucket.env\n');
  expect(planInit(FACTS).units.at(-1)?.file.text).not.toContain('EnvironmentFile');
});

test('of three servers this machine runs its own, and the others are told where to go', () => {
  const plan = planInit({ ...FACTS, ...THREE });
  expect(plan.natsServers.map(({ folder, here }) => ({ folder, here }))).toEqual([
    { folder: '/var/lib/podctl-nats', here: true },
    { folder: '/etc/podctl/nats-2', here: false },
    { folder: '/etc/podctl/nats-3', here: false },
  ]);
  expect(plan.errands).toHaveLength(2);
  expect(plan.errands[0]).toContain('copy /etc/podctl/nats-2 to n2.example');
  // What others could use to pass for this machine is in no folder but its own.
  expect(plan.natsServers.map(({ hosts }) => hosts)).toEqual([
    ['192.0.2.1', '127.0.0.1', '::1', 'localhost', 'box'],
    ['n2.example'],
    ['n3.example'],
  ]);
});

test('a machine without a NATS server has no unit for it', () => {
  const plan = planInit({ ...FACTS, ...THREE, natsHere: [] });
  expect(plan.units.map(({ name }) => name)).toEqual(['podctl-coordinator.service']);
  expect(plan.errands).toHaveLength(3);
});

test('without a service all lies in the folder, and a person is told what to start', () => {
  const plan = planInit({ ...FACTS, service: false, folder: '/home/ada/my fleet' });
  expect(plan.units).toEqual([]);
  expect(plan.commands).toEqual([
    "cd '/home/ada/my fleet/nats' && /usr/bin/nats-server -c nats-server.conf",
    "podctl coordinator run --config '/home/ada/my fleet/podctl.yaml'",
  ]);
});

test('who gives an address of loopback gets a fleet that nobody else can reach', () => {
  const loopback = { advertise: ['127.0.0.9'], hosts: ['127.0.0.9'], natsHosts: ['127.0.0.9'] };
  const { config, natsServers } = planInit({ ...FACTS, ...loopback });
  const conf = natsServers.map(({ server }) => natsServerText(server)).join('');
  expect(config.text + conf).not.toContain('0.0.0.0');
});
