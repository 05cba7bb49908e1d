import { mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Authority, ensureAuthority } from '@podctl/platform/authority/authority.ts';
import { issueForServer } from '@podctl/platform/authority/certificates.ts';
import { SERVER_NAMES } from '@podctl/platform/authority/server-names.ts';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { NATS_FILES } from './nats-files.ts';
import { type NatsServerFolder, repairsOf } from './nats-server-folder.ts';

const DAY_MS = 86_400_000;
const NOW_MS = Date.now();
let root: string;
let authority: Authority;
let at: NatsServerFolder;
let made = 0;

beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'podctl-nats-folder-'));
  authority = await ensureAuthority(join(root, 'authority'), NOW_MS);
});
afterAll(() => rm(root, { recursive: true, force: true }));
beforeEach(async () => {
  const peers = ['n1.example', 'n2.example', 'n3.example'];
  const server = { name: 'n', listenHost: '0.0.0.0', monitorHost: '127.0.0.1', peers };
  at = { folder: join(root, `nats-${++made}`), server, hosts: ['n1.example', '192.0.2.1'] };
  await repair();
});

const whys = async (of = at, nowMs = NOW_MS) =>
  (await repairsOf(of, authority, nowMs)).map(({ why }) => why);
async function repair(of = at, nowMs = NOW_MS): Promise<void> {
  for (const one of await repairsOf(of, authority, nowMs)) await one.write();
}
const file = (name: string) => join(at.folder, name);

test('a folder that is complete is left alone, and everything in it is for its user only', async () => {
  expect(await whys()).toEqual([]);
  expect((await stat(at.folder)).mode & 0o777).toBe(0o700);
  for (const name of ['main', 'trust', 'routes', 'key', 'routeKey'] as const)
    expect((await stat(file(NATS_FILES[name]))).mode & 0o777).toBe(0o600);
});

test('what a person has edited, and the accounts with their revocations, are left as they are', async () => {
  await writeFile(file(NATS_FILES.main), 'edited');
  await writeFile(file(NATS_FILES.routes), 'edited');
  const [account = ''] = await readdir(file(NATS_FILES.accounts));
  await writeFile(join(file(NATS_FILES.accounts), account), 'newer, with revocations');
  expect(await whys()).toEqual([]);
});

test('its certificates are renewed when less than a third of their life is left, without a restart', async () => {
  const lifeMs = 5 * 365 * DAY_MS;
  expect(await whys(at, NOW_MS + 0.6 * lifeMs)).toEqual([]);
  const late = await repairsOf(at, authority, NOW_MS + 0.7 * lifeMs);
  expect(late.map(({ needsRestart }) => needsRestart)).toEqual([false, false]);
  const before = await readFile(file(NATS_FILES.certificate), 'utf8');
  await repair(at, NOW_MS + 0.7 * lifeMs);
  expect(await readFile(file(NATS_FILES.certificate), 'utf8')).not.toBe(before);
  expect(await whys(at, NOW_MS + 0.7 * lifeMs)).toEqual([]);
});

test('a certificate for other hosts, of another CA or for another key is made anew', async () => {
  expect(await whys({ ...at, hosts: ['n1.example', '192.0.2.2'] })).toEqual([
    'its certificate is not for 192.0.2.2',
    'its certificate is not for 192.0.2.2',
  ]);
  const validity = { fromMs: NOW_MS, toMs: NOW_MS + DAY_MS };
  const other = await ensureAuthority(join(root, 'other'), NOW_MS);
  const hosts = [SERVER_NAMES.nats, ...at.hosts];
  const foreign = await issueForServer(other.ca, hosts, validity);
  await writeFile(file(NATS_FILES.certificate), foreign.certPem);
  expect(await whys()).toEqual(["its certificate is not of this fleet's CA"]);
  const own = await issueForServer(authority.ca, hosts, validity);
  await writeFile(file(NATS_FILES.certificate), own.certPem);
  expect(await whys()).toEqual(['its certificate is for another key']);
  await writeFile(file(NATS_FILES.certificate), 'nonsense');
  expect(await whys()).toEqual(['its certificate cannot be read']);
});

test('a folder that trusts the keys of another fleet is refused', async () => {
  const other = await ensureAuthority(join(root, 'other'), NOW_MS);
  await expect(repairsOf(at, other, NOW_MS)).rejects.toThrow('trusts the keys of another fleet');
});

test('all servers of a cluster have one password, and another fleet has another', async () => {
  const password = async (of: NatsServerFolder) =>
    /password: "([0-9a-f]{64})"/.exec(
      await readFile(join(of.folder, NATS_FILES.routes), 'utf8'),
    )?.[1];
  const second = { ...at, folder: `${at.folder}-b` };
  await repair(second);
  expect(await password(second)).toBe(await password(at));
  const other = await ensureAuthority(join(root, 'other'), NOW_MS);
  const foreign = { ...at, folder: `${at.folder}-c` };
  for (const one of await repairsOf(foreign, other, NOW_MS)) await one.write();
  expect(await password(foreign)).not.toBe(await password(at));
});
