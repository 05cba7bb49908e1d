import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { delimiter, dirname, join } from 'node:path';
import { formatJoinToken } from '@podctl/domain/join-token.ts';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { testPython } from '../../../../test/support/python.ts';
import { runPodctl, startPodctl } from '../../test/run-podctl.ts';
import { waitInFolder } from '../up/file-wait.ts';
import { servicePaths } from './install-paths.ts';
import { MachineRoot } from './machine-root.ts';
import { uninstall } from './uninstall.ts';

const SECRET = 'abcdefghijklmnopqrstuvwxyz234567';
let folder: string;
let dataDir: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'podctl-install-commands-'));
  dataDir = join(folder, 'data');
});
afterEach(() => rm(folder, { recursive: true }));

function agent(args: readonly string[], input = '') {
  const env = { PODCTL_PYTHON_ROOT: dirname(dirname(dirname(testPython()))) };
  return runPodctl(['agent', ...args, '--data-dir', dataDir, '--root', folder], {
    cwd: folder,
    env,
    input,
  });
}

/** An agent as a foreground install leaves it, below the root. */
async function installed(): Promise<string> {
  const below = join(folder, dataDir);
  await mkdir(join(below, 'agent'), { recursive: true });
  await writeFile(
    join(below, 'agent.yaml'),
    `dataDir: ${JSON.stringify(dataDir)}\nagent: {id: gpu1, http: {listen: "127.0.0.1:64999"}}\n`,
  );
  await writeFile(join(below, 'music.mp3'), 'mine');
  return below;
}

test('a machine without an agent has no status: 3', async () => {
  const status = await agent(['status', '--json']);
  expect(status.code).toBe(3);
  expect(JSON.parse(status.stdout)).toMatchObject({ error: { exitCode: 3 } });
});

test('a dry run prints settings and commands, and makes nothing; no secret of the token is in it', async () => {
  const token = formatJoinToken({
    url: 'https://127.0.0.1:1',
    caSha256: 'a'.repeat(64),
    id: 'b'.repeat(16),
    secret: SECRET,
  });
  const ran = await agent(
    ['install', '--join-file', '-', '--name', 'gpu1', '--foreground', '--dry-run'],
    token,
  );
  expect(ran).toMatchObject({ code: 0 });
  expect(ran.stdout).toContain(`file    ${join(dataDir, 'agent.yaml')}`);
  expect(ran.stdout).toContain('https://127.0.0.1:1 cannot be reached: nothing listens there');
  expect(ran.stdout + ran.stderr).not.toContain(SECRET);
  expect(await readdir(folder)).toEqual([]);
});

test('an empty join text is a usage error', async () => {
  const empty = await agent(['install', '--join-file', '-', '--dry-run'], '\n');
  expect(empty).toMatchObject({
    code: 2,
    stderr: expect.stringContaining('stdin holds no join token'),
  });
});

test('an agent that does not run is shown so, and is 7 for who asks', async () => {
  await installed();
  const ran = await agent(['status', '--json', '--exit-status']);
  expect(ran.code).toBe(7);
  expect(JSON.parse(ran.stdout)).toMatchObject({
    agentId: 'gpu1',
    mode: 'foreground',
    service: null,
    enrolled: false,
    running: false,
    ready: false,
    checks: ['nothing listens on 127.0.0.1:64999'],
  });
});

test('without a terminal nothing is removed unless --yes says so, and what is not the agent’s stays', async () => {
  const below = await installed();
  const refused = await agent(['uninstall', '--purge']);
  expect(refused).toMatchObject({ code: 2, stderr: expect.stringContaining('--yes') });
  expect(refused.stdout).toContain(`remove  ${join(dataDir, 'agent')}\n`);
  expect((await readdir(below)).toSorted()).toEqual(['agent', 'agent.yaml', 'music.mp3']);
  expect((await agent(['uninstall', '--purge', '--yes', '--local-only'])).code).toBe(0);
  expect(await readdir(below)).toEqual(['music.mp3']);
  expect(await readFile(join(below, 'music.mp3'), 'utf8')).toBe('mine');
});

test('Ctrl-C while the service is stopped leaves unit and settings, and the next uninstall finds what is left', async () => {
  const { configFile, unitFile } = servicePaths(null);
  const root = new MachineRoot(folder);
  const left = [configFile, unitFile ?? ''].map((path) => root.at(path));
  for (const path of [...left, root.at('/run/systemd/system/here')]) {
    await mkdir(dirname(path), { recursive: true });
    await writeFile(path, '');
  }
  const bin = join(folder, 'bin');
  await mkdir(bin);
  // It says that it was asked to stop the service, and takes its time.
  const slow = `#!/bin/sh\n[ "$1" = disable ] || exit 0\n: > "${bin}/asked"\nexec sleep 60\n`;
  await writeFile(join(bin, 'systemctl'), slow, { mode: 0o755 });
  const args = ['agent', 'uninstall', '--keep-data', '--yes', '--root', folder];
  const of = { cwd: folder, env: { PATH: `${bin}${delimiter}${process.env.PATH ?? ''}` } };
  const { child, ended } = startPodctl(args, of);
  const isAsked = async () => ((await readdir(bin)).includes('asked') ? true : null);
  await waitInFolder(bin, isAsked, AbortSignal.timeout(20_000));
  child.kill('SIGINT');
  expect(await ended).toMatchObject({ code: 130, stderr: 'podctl: interrupted.\n' });
  for (const path of left) expect(await readFile(path, 'utf8')).toBe('');

  await writeFile(join(bin, 'systemctl'), '#!/bin/sh\n', { mode: 0o755 });
  expect(await runPodctl(args, of)).toMatchObject({ code: 0 });
  for (const path of left) await expect(readFile(path)).rejects.toThrow('ENOENT');
});

test('an uninstall that was stopped removes nothing more', async () => {
  const below = await installed();
  const effects = [{ kind: 'remove', path: join(dataDir, 'music.mp3') }] as const;
  const reason = new Error('interrupted');
  const run = async () => ({ kind: 'missing' }) as const;
  const stopped = uninstall(effects, new MachineRoot(folder), run, AbortSignal.abort(reason));
  await expect(stopped).rejects.toBe(reason);
  expect(await readdir(below)).toContain('music.mp3');
});
