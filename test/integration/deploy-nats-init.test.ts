import { createHash } from 'node:crypto';
import { mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { openAuthority } from '@podctl/platform/authority/authority.ts';
import type { Child } from '@podctl/platform/child/child-process.ts';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type RunningPodctl, runPodctl, startPodctl } from '../../apps/cli/test/run-podctl.ts';
import { ownAddresses, startedServer } from './deploy-nats-server.ts';

/** `podctl coordinator init` without systemd: what it writes is started as it says, on addresses of loopback. */
let root: string;
let folder: string;
let env: NodeJS.ProcessEnv;
const [host = ''] = ownAddresses(1);
const log: string[] = [];
let nats: Child | null = null;
let coordinator: RunningPodctl | null = null;

beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'podctl-init-'));
  folder = join(root, 'fleet');
  const python = dirname(dirname(dirname(process.env.PODCTL_TEST_PYTHON ?? '')));
  env = { XDG_CONFIG_HOME: join(root, 'config'), PODCTL_PYTHON_ROOT: python };
});
afterAll(async () => {
  coordinator?.child.kill('SIGTERM');
  await coordinator?.ended;
  await nats?.stop({ graceMs: 5_000 });
  await rm(root, { recursive: true, force: true });
});

const podctl = (...args: string[]) => runPodctl(args, { env, cwd: root });
const init = (...args: string[]) =>
  podctl('coordinator', 'init', '--folder', folder, '--no-service', ...args);

/** Every file's mode, time and content. */
async function tree(at: string): Promise<Map<string, string>> {
  const found = new Map<string, string>();
  for (const name of await readdir(at, { recursive: true })) {
    const { mode, mtimeMs } = await stat(join(at, name));
    const text = await readFile(join(at, name)).catch(() => '');
    const sha = createHash('sha256').update(text).digest('hex');
    found.set(name, `${(mode & 0o777).toString(8)} ${mtimeMs} ${sha}`);
  }
  return found;
}

test('--dry-run prints every file and command, and writes nothing', async () => {
  const { code, stdout } = await init('--host', host, '--dry-run');
  expect(code).toBe(0);
  for (const words of [
    join(folder, 'podctl.yaml'),
    `url: "tls://${host}:4222"`,
    join(folder, 'nats/nats-server.conf'),
    'sync_interval: always',
    join(folder, 'authority/authority.json'),
    'coordinator run --config',
  ])
    expect(stdout).toContain(words);
  expect(await readdir(root)).toEqual([]);
});

test('init writes the keys, NATS and the configuration, for its user alone where they are secret, and shows no secret', async () => {
  const { code, stdout, stderr } = await init('--host', host);
  expect(`${code} ${stderr}`).toMatch(/^0 /);
  expect(stderr).toContain('podctl agent token create --print-command');
  expect(stderr).toContain(
    `cd ${folder}/nats && ${folder}/nats-server -c nats-server.conf\n  podctl coordinator run --config ${folder}/podctl.yaml`,
  );
  const authority = await openAuthority(join(folder, 'authority'));
  const token = (await readFile(join(folder, 'authority/admin.token'), 'utf8')).trim();
  const secrets = [token, ...Object.values(authority?.nats ?? {}), authority?.ca.keyPem ?? ''];
  for (const secret of secrets) {
    expect(secret).not.toBe('');
    expect(stdout + stderr).not.toContain(secret);
  }
  for (const name of ['authority/authority.json', 'authority/admin.token', 'nats/tls.key'])
    expect((await stat(join(folder, name))).mode & 0o777).toBe(0o600);
  for (const name of ['authority', 'nats', 'data'])
    expect((await stat(join(folder, name))).mode & 0o777).toBe(0o700);
});

test('a second init changes nothing, keeps what a person has edited, and says what it could not do for that', async () => {
  const yaml = join(folder, 'podctl.yaml');
  const conf = join(folder, 'nats/nats-server.conf');
  await writeFile(yaml, `${await readFile(yaml, 'utf8')}log:\n  level: info\n`);
  await writeFile(conf, (await readFile(conf, 'utf8')).replace('8GB', '1GB'));
  const before = await tree(root);
  const again = await init('--host', '192.0.2.9');
  expect(again.stderr).toContain(`coordinator.advertise is ${host} (--host); change it there`);
  expect(again.stderr).not.toContain(' did ');
  expect(await tree(root)).toEqual(before);
});

test('NATS and the coordinator start from what init wrote, and the context that it made is an admin’s', async () => {
  nats = await startedServer(join(folder, 'nats'), log);
  const config = join(folder, 'podctl.yaml');
  coordinator = startPodctl(['coordinator', 'run', '--config', config], { env, cwd: root });
  await coordinator.shows('"msg":"ready"');
  const status = await podctl('status', '--json');
  expect(`${status.code} ${status.stderr}`).toBe('0 ');
  const made = await podctl('agent', 'token', 'create');
  expect(`${made.code} ${made.stderr}`).toMatch(/^0 /);
  expect(made.stdout).toMatch(/pj1\./);
});
