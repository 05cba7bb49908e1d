import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { GetServerInfoResponse } from '@podctl/proto/podctl/v1/fleet.ts';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { EXIT } from '../command-error.ts';
import { coordinatorSource } from './metrics-source.ts';

const TOKEN = 'm'.repeat(32);
let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'podctl-metrics-'));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

/** Of a coordinator reached at `address` that names an address of its own choice. */
async function source(address: string, ca: string | null) {
  const path = join(folder, 'token');
  await writeFile(path, TOKEN, { mode: 0o600 });
  const named = GetServerInfoResponse.fromPartial({ metricsAddress: '10.9.9.9:9090' });
  return coordinatorSource({ address, serverInfo: async () => named }, { ca }, folder, path);
}

test('a token of metrics does not go over the network in the clear', async () => {
  await expect(source('gpu.example:7070', null)).rejects.toMatchObject({
    exitCode: EXIT.usage,
    message: expect.stringContaining('the token would go to gpu.example:9090 unencrypted'),
  });
});

test('it goes over TLS, and to the host that was asked alone', async () => {
  expect(await source('gpu.example:7070', 'PEM')).toMatchObject({
    place: { host: 'gpu.example', port: 9_090, tls: true },
    token: TOKEN,
  });
  expect(await source('127.0.0.1:7070', null)).toMatchObject({ place: { host: '127.0.0.1' } });
});
