import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import {
  access,
  cp,
  mkdir,
  mkdtemp,
  readdir,
  readFile,
  rename,
  rm,
  writeFile,
} from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, expect, test } from 'vitest';

const SCRIPTS = fileURLToPath(new URL('../../scripts', import.meta.url));
const GONE_MS_MAX = 3_000;

let folder: string;
let clone: string;
let mark: string;
let env: NodeJS.ProcessEnv;
const servers: Server[] = [];

/** A small clone: the real scripts, the real npm, and one package of its own that brings `node`. */
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'podctl-npm-'));
  clone = join(folder, 'clone');
  mark = randomUUID();
  await cp(SCRIPTS, join(clone, 'scripts'), { recursive: true });
  await write('package.json', { name: 'clone', version: '1.0.0', workspaces: ['node'] });
  await write('node/package.json', { name: 'node-here', version: '1.0.0', bin: { node: 'run' } });
  await writeFile(join(clone, 'node/run'), `#!/bin/sh\nexec ${process.execPath} "$@"\n`, {
    mode: 0o755,
  });
  await mkdir(join(clone, 'apps/cli/bin'), { recursive: true });
  await writeFile(join(clone, 'apps/cli/bin/podctl.js'), 'console.log("podctl runs");\n');
  await lock({});
  // npm as it is, and a line for each of its runs.
  await mkdir(join(folder, 'bin'));
  await writeFile(
    join(folder, 'bin/npm'),
    `#!/bin/sh\necho "$1" >> "${folder}/npm-runs"\nexec "${npmOfThisMachine()}" "$@"\n`,
    { mode: 0o755 },
  );
  env = {
    HOME: folder,
    PATH: `${join(folder, 'bin')}:${process.env.PATH}`,
    npm_config_cache: join(folder, 'cache'),
    npm_config_update_notifier: 'false',
    PODCTL_E2E_MARK: mark,
  };
});

afterEach(async () => {
  for (const pid of await family()) process.kill(pid, 'SIGKILL');
  for (const server of servers.splice(0)) {
    server.closeAllConnections();
    server.close();
  }
  await rm(folder, { recursive: true, force: true, maxRetries: 5 });
});

const write = async (path: string, content: object) => {
  await mkdir(join(clone, path, '..'), { recursive: true });
  // Whole or not at all: another process reads it at any moment.
  await writeFile(join(clone, `${path}.part`), JSON.stringify(content));
  await rename(join(clone, `${path}.part`), join(clone, path));
};

/** The clone's lockfile, with these dependencies fetched from where they say. */
async function lock(fetched: Readonly<Record<string, string>>): Promise<void> {
  const root = { name: 'clone', version: '1.0.0', workspaces: ['node'] };
  const dependencies = Object.fromEntries(Object.keys(fetched).map((name) => [name, '1.0.0']));
  await write('package.json', { ...root, dependencies });
  const packages: Record<string, object> = {
    '': { ...root, dependencies },
    node: { name: 'node-here', version: '1.0.0', bin: { node: 'run' } },
    'node_modules/node-here': { resolved: 'node', link: true },
    // Of another platform: its absence says nothing.
    'node_modules/elsewhere': { version: '1.0.0', optional: true, os: ['aix'] },
  };
  for (const [name, resolved] of Object.entries(fetched))
    packages[`node_modules/${name}`] = { version: '1.0.0', resolved };
  await write('package-lock.json', { name: 'clone', lockfileVersion: 3, packages });
}

function npmOfThisMachine(): string {
  return spawnSync('sh', ['-c', 'command -v npm'], { encoding: 'utf8' }).stdout.trim();
}

/** A registry that takes each request and never answers; `asked` resolves at the first one. */
async function silentRegistry() {
  const asked = Promise.withResolvers<void>();
  const server = createServer(() => asked.resolve());
  servers.push(server);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return { asked: asked.promise, port: (server.address() as AddressInfo).port };
}

interface Start {
  readonly child: ChildProcess;
  readonly ended: Promise<{ code: number | null; words: string; tookMs: number }>;
}

function start(): Start {
  const beganAtMs = performance.now();
  const child = spawn(process.execPath, ['scripts/run.mjs', 'podctl'], {
    cwd: clone,
    env,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let words = '';
  for (const stream of [child.stdout, child.stderr])
    stream?.on('data', (chunk: Buffer) => {
      words += chunk.toString('utf8');
    });
  const ended = once(child, 'close').then(([code]) => ({
    code: code as number | null,
    words,
    tookMs: performance.now() - beganAtMs,
  }));
  return { child, ended };
}

/** Processes that carry the mark of this test. */
async function family(): Promise<number[]> {
  const pids: number[] = [];
  for (const pid of (await readdir('/proc')).filter((name) => /^\d+$/.test(name))) {
    const environment = await readFile(`/proc/${pid}/environ`, 'utf8').catch(() => '');
    if (environment.includes(mark)) pids.push(Number(pid));
  }
  return pids;
}

/** Who of them is left; comes back as soon as nobody is. */
async function leftAfter(msMax: number): Promise<number[]> {
  const untilMs = performance.now() + msMax;
  for (;;) {
    const left = await family();
    if (left.length === 0 || performance.now() >= untilMs) return left;
    // The kernel tells nobody but a parent that a process ended.
    await delay(50);
  }
}

async function npmRuns(): Promise<string[]> {
  return (await readFile(join(folder, 'npm-runs'), 'utf8').catch(() => '')).trim().split('\n');
}

test('two first starts at once install once; the second one says that it waits', async () => {
  const { asked, port } = await silentRegistry();
  await lock({ slow: `http://127.0.0.1:${port}/slow.tgz` });
  const first = start();
  await asked;
  const second = start();
  const waits = Promise.withResolvers<void>();
  second.child.stderr?.on('data', (chunk: Buffer) => {
    if (chunk.includes('Another process installs the npm packages')) waits.resolve();
  });
  await Promise.race([waits.promise, second.ended.then(({ words }) => Promise.reject(words))]);
  expect(await npmRuns()).toEqual(['ci']);
  // The lock goes with the first one's npm: the second one installs what the lockfile says now.
  first.child.kill('SIGKILL');
  await lock({});
  const end = await second.ended;
  expect([end.code, end.words]).toEqual([0, expect.stringContaining('podctl runs')]);

  await rm(join(clone, 'node_modules'), { recursive: true, force: true });
  await rm(join(folder, 'npm-runs'));
  const both = await Promise.all([start().ended, start().ended]);
  for (const { code, words } of both)
    expect([code, words]).toEqual([0, expect.stringContaining('podctl runs')]);
  expect(await npmRuns()).toEqual(['ci']);
}, 60_000);

test('killed -9 while npm installs, it leaves no process', async () => {
  const { asked, port } = await silentRegistry();
  await lock({ slow: `http://127.0.0.1:${port}/slow.tgz` });
  const { child, ended } = start();
  await asked;
  expect((await family()).length).toBeGreaterThan(1);
  child.kill('SIGKILL');
  await ended;
  expect(await leftAfter(GONE_MS_MAX)).toEqual([]);
}, 30_000);

test('Ctrl-C while npm installs ends it within 2 s with 130, one sentence, and no process left', async () => {
  const { asked, port } = await silentRegistry();
  await lock({ slow: `http://127.0.0.1:${port}/slow.tgz` });
  const { child, ended } = start();
  await asked;
  const askedAtMs = performance.now();
  child.kill('SIGINT');
  const { code, words } = await ended;
  expect(performance.now() - askedAtMs).toBeLessThan(2_000);
  expect(code).toBe(130);
  expect(words).toContain('podctl: stopped by SIGINT while npm packages were installed');
  expect(await leftAfter(GONE_MS_MAX)).toEqual([]);
}, 30_000);

test('what npm ci by hand installed is taken as it is, unless a package of it is missing or another version', async () => {
  const npm = npmOfThisMachine();
  const byHand = () => spawnSync(npm, ['ci', '--no-audit', '--no-fund'], { cwd: clone, env });
  expect(byHand().status).toBe(0);
  const { code, words } = await start().ended;
  expect([code, words]).toEqual([0, 'podctl runs\n']);
  expect(await npmRuns()).toEqual(['']);
  await access(join(clone, 'node_modules/.installed'));

  // The record lies: what it names is gone.
  expect(byHand().status).toBe(0);
  await rm(join(clone, 'node_modules/node-here'));
  expect((await start().ended).words).toContain('Installing npm packages');

  // Another lock than the installed one.
  const path = join(clone, 'package-lock.json');
  const changed = JSON.parse(await readFile(path, 'utf8'));
  changed.packages.node.version = '1.0.1';
  await writeFile(path, JSON.stringify(changed));
  expect((await start().ended).words).toContain('Installing npm packages');
}, 60_000);

test('a registry that refuses is one sentence that names it, within 30 s', async () => {
  const closed = await silentRegistry();
  servers.pop()?.close();
  const registry = `http://127.0.0.1:${closed.port}`;
  env = { ...env, npm_config_registry: `${registry}/` };
  await lock({ gone: `${registry}/gone.tgz` });
  const { code, words, tookMs } = await start().ended;
  process.stdout.write(`npm with a registry that refuses: ${(tookMs / 1_000).toFixed(1)} s\n`);
  expect(tookMs).toBeLessThan(30_000);
  expect(code).toBe(1);
  const last = words.trimEnd().split('\n').at(-1);
  expect(last).toBe(
    `podctl: the npm packages could not be fetched: the registry ${registry}/ was not reached; check the network, or the registry that npm is set to, then run the same command again (npm's words are in ${join(clone, 'npm-ci.log')}).`,
  );
  expect(words).not.toContain('npm error');
}, 60_000);
