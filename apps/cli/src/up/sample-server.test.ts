import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type SampleServer, startSampleServer } from './sample-server.ts';

let folder: string;
let server: SampleServer;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'podctl-sample-'));
  await writeFile(join(folder, 'a.mp3'), 'audio');
  server = await startSampleServer(folder, null);
});

afterAll(async () => {
  await server.close();
  await rm(folder, { recursive: true, force: true });
});

test('files are served with their type and length', async () => {
  const response = await fetch(`${server.url}a.mp3`);
  expect(response.headers.get('content-type')).toBe('audio/mpeg');
  expect(response.headers.get('content-length')).toBe('5');
  expect(await response.text()).toBe('audio');
  const head = await fetch(`${server.url}a.mp3`, { method: 'HEAD' });
  expect([head.status, await head.text()]).toEqual([200, '']);
});

test('nothing outside the folder is served, and nothing is taken', async () => {
  expect((await fetch(`${server.url}absent`)).status).toBe(404);
  expect((await fetch(`${server.url}a.mp3`, { method: 'POST', body: 'x' })).status).toBe(405);
  const status = await new Promise((resolve, reject) => {
    const call = request({ port: server.port, path: '/%2e%2e/%2e%2e/etc/passwd' }, (response) =>
      resolve(response.resume().statusCode),
    );
    call.on('error', reject).end();
  });
  expect(status).toBe(404);
});

test('the remembered port is used again when it is free, and another when it is not', async () => {
  const other = await startSampleServer(folder, server.port);
  expect(other.port).not.toBe(server.port);
  const { port } = other;
  await other.close();
  const again = await startSampleServer(folder, port);
  expect(again.port).toBe(port);
  await again.close();
});
