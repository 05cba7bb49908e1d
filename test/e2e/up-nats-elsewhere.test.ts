import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { startNatsServer } from '../support/nats-server.ts';
import { startSecureNats } from '../support/secure-nats.ts';
import { pythonRoot, UpRun } from './up-run.ts';

async function closedPort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const bound = server.address();
  await new Promise((resolve) => server.close(resolve));
  if (bound === null || typeof bound === 'string') throw new Error('the server had no port');
  return bound.port;
}

test('a nats.url where nobody listens is told within seconds, and given up in one sentence', {
  timeout: 120_000,
}, async () => {
  const folder = await mkdtemp(join(tmpdir(), 'podctl-e2e-'));
  const { root } = pythonRoot();
  const url = `nats://127.0.0.1:${await closedPort()}`;
  await writeFile(join(folder, 'podctl.yaml'), `nats:\n  url: ${url}\n`);
  const dataDir = join(folder, 'data');
  const env = { HOME: folder, PATH: process.env.PATH ?? '', PODCTL_PYTHON_ROOT: root };
  const run = new UpRun(['--data-dir', dataDir], env, folder);
  try {
    await run.shows(/waiting for NATS at nats:\/\/127\.0\.0\.1:\d+: connection refused\n/);
    const { code, stderr } = await run.ended;
    expect(code).toBe(1);
    expect(stderr.trim().split('\n').at(-1)).toBe(
      `podctl: no NATS server could be reached at ${url} (connection refused); start it, or leave nats.url out so that podctl starts one; the log is ${join(dataDir, 'logs', 'coordinator.log')}.`,
    );
    expect(await run.leftAfter(5_000)).toEqual([]);
  } finally {
    run.child.kill('SIGKILL');
    await run.ended;
    await rm(folder, { recursive: true, force: true, maxRetries: 5 });
  }
});

test.each([
  ['that lets everybody in', plain],
  ['that knows the fleet’s keys', keyed],
])(
  'a NATS server elsewhere, %s, is worked with: agent and all',
  { timeout: 120_000 },
  async (_, start) => {
    const folder = await mkdtemp(join(tmpdir(), 'podctl-e2e-'));
    const { root } = pythonRoot();
    const nats = await start();
    await writeFile(join(folder, 'podctl.yaml'), nats.settings);
    const env = { HOME: folder, PATH: process.env.PATH ?? '', PODCTL_PYTHON_ROOT: root };
    const run = new UpRun(['--data-dir', join(folder, 'data')], env, folder);
    try {
      await run.shows(/agent-joined/);
      run.child.kill('SIGTERM');
      expect((await run.ended).code).toBe(143);
    } finally {
      run.child.kill('SIGKILL');
      await run.ended;
      await nats.stop();
      await rm(folder, { recursive: true, force: true, maxRetries: 5 });
    }
  },
);

async function plain() {
  const server = await startNatsServer();
  return { settings: `nats: {url: "${server.url}"}\n`, stop: () => server.stop() };
}

async function keyed() {
  const { url, authority, stop } = await startSecureNats();
  const security = `security: {authority: "${authority.folder}"}\n`;
  return { settings: `nats: {url: "${url}"}\n${security}`, stop };
}
