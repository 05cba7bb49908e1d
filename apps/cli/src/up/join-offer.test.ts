import { mkdtemp, readFile, rm, stat } from 'node:fs/promises';
import { networkInterfaces, tmpdir } from 'node:os';
import { join } from 'node:path';
import { readJoinFile } from '@podctl/platform/config/join-file.ts';
import { loadSettings } from '@podctl/platform/config/load.ts';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { offerJoin } from './join-offer.ts';
import { natsConfig } from './nats-server.ts';

const nats = { servers: ['nats://127.0.0.1:4222'], user: 'podctl', password: 'secret' };
const hasOutside = Object.values(networkInterfaces()).some((of) => of?.some((a) => !a.internal));

let folder: string;
let path: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'podctl-offer-'));
  path = join(folder, 'join.yaml');
});
afterEach(() => rm(folder, { recursive: true }));

async function settingsOf(natsListen: string, url: string | null = null) {
  const overrides = { nats: { listen: natsListen, url } };
  return loadSettings({ file: null, overrides, dataDir: folder, version: '0' });
}
const endpoint = (bytes?: string) => ({
  grpc: '127.0.0.1:1',
  http: '127.0.0.1:2',
  ...(bytes === undefined ? {} : { bytes }),
});

test('both doors open: the join file has the addresses that others reach, for this user’s eyes', async () => {
  const settings = await settingsOf('192.0.2.7:4222');
  const line = await offerJoin(path, settings, nats, endpoint('192.0.2.7:7421'));
  expect(line).toContain(`copy ${path} there, and run "podctl agent run --join join.yaml"`);
  expect(line).toContain('nothing is encrypted');
  expect(await readJoinFile(path)).toEqual({
    nats: { ...nats, servers: ['nats://192.0.2.7:4222'] },
    coordinators: ['http://192.0.2.7:7421'],
    warning: null,
  });
  expect((await stat(path)).mode & 0o777).toBe(0o600);
});

test.skipIf(!hasOutside)('every address of the host stands for one that others reach', async () => {
  const settings = await settingsOf('0.0.0.0:0');
  await offerJoin(path, settings, nats, endpoint('[::]:7421'));
  const text = await readFile(path, 'utf8');
  expect(text).not.toMatch(/127\.|0\.0\.0\.0|\[::\]/);
  expect(text).toMatch(/nats:\/\/[^"]+:4222"/);
});

test.each([
  ['the NATS server is on loopback', '127.0.0.1:0', null, '192.0.2.7:7421'],
  ['the bytes are on loopback', '192.0.2.7:4222', null, '127.0.0.1:7421'],
  ['no bytes are served', '192.0.2.7:4222', null, undefined],
  ['the NATS server is somebody else’s', '192.0.2.7:4222', 'nats://192.0.2.9:4222', '192.0.2.7:1'],
])('nothing is offered, and nothing written, when %s', async (_, listen, url, bytes) => {
  const settings = await settingsOf(listen, url);
  expect(await offerJoin(path, settings, nats, endpoint(bytes))).toBeNull();
  await expect(stat(path)).rejects.toThrow('ENOENT');
});

test('the NATS server listens where it is told', () => {
  const rest = { user: 'u', password: 'p', ports: '/p', folder: '/f', storeLimitBytes: 1 };
  const text = natsConfig({ ...rest, guest: null, host: '0.0.0.0', port: 4222 });
  expect(text).toContain('host: "0.0.0.0"\nport: 4222\n');
  expect(text).not.toContain('permissions');
});
