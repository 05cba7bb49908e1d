import { once } from 'node:events';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { probeSync, syncIn } from './probe-sync.ts';

const { signal } = new AbortController();

it.each([
  ['jetstream {\n  sync_interval: always\n}', 'always'],
  ['jetstream { store_dir: "/x", sync_interval: "30s" }', '30s'],
  ['jetstream {\n  # sync_interval: always\n}', null],
  ['jetstream = enabled', null],
])('of a configuration such as %j', (text, interval) => {
  expect(syncIn(text)).toEqual({ always: interval === 'always', interval });
});

it("the NATS of this machine's up is told by its own file, and no other fleet's", async () => {
  const dataDir = await mkdtemp(join(tmpdir(), 'podctl-doctor-'));
  try {
    await mkdir(join(dataDir, 'nats'));
    const path = join(dataDir, 'nats', 'nats-server.conf');
    await writeFile(path, 'jetstream {\n  sync_interval: always\n}\n');
    await writeFile(join(dataDir, 'endpoint.json'), JSON.stringify({ grpc: '127.0.0.1:7070' }));
    const of = (address: string) =>
      probeSync({ dataDir, addresses: [address], monitor: null }, signal);
    expect(await of('127.0.0.1:7070')).toEqual({
      kind: 'told',
      where: path,
      always: true,
      interval: 'always',
    });
    expect(await of('c1:7070')).toEqual({ kind: 'unknown' });
    await writeFile(join(dataDir, 'endpoint.json'), JSON.stringify({ grpc: '0.0.0.0:7070' }));
    expect(await of('127.0.0.1:7070')).toMatchObject({ kind: 'told', always: true });
    expect(await of('127.0.0.1:7071')).toEqual({ kind: 'unknown' });
  } finally {
    await rm(dataDir, { recursive: true });
  }
});

it('a monitoring address that answers something else, or not at all, is told without a guess', async () => {
  const server = createServer((_, response) => response.end('{"server_id":"x"}'));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  const port = typeof address === 'object' ? address?.port : 0;
  const ask = () =>
    probeSync({ dataDir: '/nowhere', addresses: [], monitor: `http://127.0.0.1:${port}` }, signal);
  const where = `http://127.0.0.1:${port}`;
  expect(await ask()).toEqual({ kind: 'unseen', where, why: 'tells nothing of JetStream' });
  server.close();
  server.closeAllConnections();
  await once(server, 'close');
  expect(await ask()).toEqual({ kind: 'unseen', where, why: 'cannot be asked (ECONNREFUSED)' });
});

it.each([
  // As nats-server 2.15.1 answers with and without `sync_interval: always`.
  [{ sync_interval: 120_000_000_000, sync_always: true, strict: true }, true],
  [{ sync_interval: 30_000_000_000, strict: true }, false],
])('a monitoring address tells of %j', async (config, always) => {
  const server = createServer((request, response) =>
    response.end(request.url === '/varz' ? JSON.stringify({ jetstream: { config } }) : ''),
  );
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  const where = `http://127.0.0.1:${typeof address === 'object' ? address?.port : 0}`;
  const found = await probeSync({ dataDir: '/nowhere', addresses: [], monitor: where }, signal);
  const interval = `every ${config.sync_interval / 1e9} s`;
  expect(found).toEqual({ kind: 'told', where, always, interval });
  server.closeAllConnections();
  server.close();
});
