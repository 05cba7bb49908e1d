import { mkdtemp, realpath, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { startFixedCoordinator } from './fixed-coordinator.ts';
import { runPodctl } from './run-podctl.ts';

let folder: string;
beforeAll(async () => {
  folder = await realpath(await mkdtemp(join(tmpdir(), 'podctl-config-cli-')));
  await writeFile(
    join(folder, 'podctl.yaml'),
    'nats: {url: "nats://me:hunter2@host:4222"}\nfeeds: {pollEvery: 2h}\n',
  );
  await writeFile(join(folder, 'wrong.yaml'), 'feeds: {pollevery: 2h}\n');
});
afterAll(() => rm(folder, { recursive: true, force: true }));

const podctl = (args: readonly string[], env: NodeJS.ProcessEnv = {}) =>
  runPodctl(args, { cwd: folder, env });

describe.concurrent('config', () => {
  test('view says where each value comes from, the nearest place winning, and shows no password', async () => {
    const ran = await podctl(['config', 'view', '--changed', '--data-dir', 'trial', '-o', 'json'], {
      PODCTL_LOG_LEVEL: 'warn',
    });
    const from = join(folder, 'podctl.yaml');
    expect(JSON.parse(ran.stdout).items).toEqual([
      { setting: 'dataDir', value: join(folder, 'trial'), origin: 'flag', from: '--data-dir' },
      { setting: 'nats.url', value: 'nats://***@host:4222', origin: 'file', from },
      { setting: 'feeds.pollEvery', value: '2h', origin: 'file', from },
      { setting: 'log.level', value: 'warn', origin: 'environment', from: 'PODCTL_LOG_LEVEL' },
    ]);
    expect((await podctl(['config', 'view'])).stdout).not.toMatch(/ORIGIN|hunter2/);
    expect((await podctl(['config', 'view', '--show-origin'])).stdout).toMatch(/ORIGIN +FROM/);
  });

  test('validate is 0 for what fits and 2, with one sentence, for what does not', async () => {
    const fine = await podctl(['config', 'validate', '--json']);
    expect(JSON.parse(fine.stdout).settings).toEqual(['nats.url', 'feeds.pollEvery']);
    const wrong = await podctl(['config', 'validate', 'wrong.yaml']);
    expect([wrong.code, wrong.stdout]).toEqual([2, '']);
    expect(wrong.stderr).toContain('did you mean feeds.pollEvery?');
    expect((await podctl(['config', 'validate', 'absent.yaml'])).code).toBe(2);
    const level = await podctl(['config', 'view'], { PODCTL_LOG_LEVEL: 'loud' });
    expect([level.code, level.stderr]).toEqual([2, expect.stringContaining('log.level is "loud"')]);
  });

  test('path names the settings file of this folder', async () => {
    const { stdout } = await podctl(['config', 'path', '--json'], { XDG_CONFIG_HOME: '/x' });
    expect(JSON.parse(stdout)).toMatchObject({
      settingsFile: join(folder, 'podctl.yaml'),
      configFolder: '/x/podctl',
    });
  });
});

test('metrics are found through the coordinator, with the token the page asks for', async () => {
  const page = '# TYPE podctl_feeds gauge\npodctl_feeds 3\npodctl_agents 1\n';
  const server = createServer((request, response) => {
    const isKnown = request.headers.authorization === 'Bearer 0123456789abcdef';
    response.writeHead(isKnown ? 200 : 401).end(isKnown ? page : 'no');
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const coordinator = await startFixedCoordinator();
  try {
    const args = ['metrics', '--server', coordinator.address];
    const silent = await podctl(args);
    expect([silent.code, silent.stderr]).toEqual([5, expect.stringContaining('does not say')]);
    coordinator.metricsAddress = `127.0.0.1:${(server.address() as AddressInfo).port}`;
    const refused = await podctl(args);
    expect([refused.code, refused.stderr]).toEqual([
      4,
      expect.stringContaining('--metrics-token-file'),
    ]);
    await writeFile(join(folder, 'token'), '0123456789abcdef\n');
    const known = [...args, '--metrics-token-file', 'token'];
    expect((await podctl(known)).stdout).toBe(page);
    expect((await podctl([...known, '--grep', 'feeds'])).stdout).toBe('podctl_feeds 3\n');
    expect((await podctl([...known, '--grep', 'nothing'])).code).toBe(7);
    expect((await podctl([...known, '--grep', '('])).code).toBe(2);
  } finally {
    await coordinator.stop();
    server.close();
  }
});

test('a request that an older coordinator does not know names both versions', async () => {
  const coordinator = await startFixedCoordinator();
  try {
    coordinator.version = '0.0.9';
    const ran = await podctl(['library', 'verify', '--server', coordinator.address]);
    expect([ran.code, ran.stdout]).toEqual([1, '']);
    expect(ran.stderr).toMatch(
      /^podctl: the coordinator at \S+ does not know this request\. The coordinator is older \(0\.0\.9\) than this command \(.+\): .*\n$/,
    );
  } finally {
    await coordinator.stop();
  }
});

test('version warns when the coordinator is newer, and says which side to bring up', async () => {
  const coordinator = await startFixedCoordinator();
  try {
    coordinator.version = '0.10.0';
    const ran = await podctl(['version', '--server', coordinator.address]);
    expect(ran.stderr).toContain('bring this one to 0.10.0');
    const { stdout } = await podctl(['version', '--server', coordinator.address, '--json']);
    expect(JSON.parse(stdout)).toMatchObject({ skew: 'client-older' });
    const status = await podctl(['status', '--server', coordinator.address]);
    expect(status.stderr.match(/0\.10\.0/g)).toHaveLength(2);
    // One that does not matter is not told by each command.
    expect((await podctl(['feed', 'list', '--server', coordinator.address])).stderr).toBe('');
  } finally {
    await coordinator.stop();
  }
});
