import { createHash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { systemClock } from '@podctl/platform/clock.ts';
import { openLibrary } from '@podctl/platform/library/file-library.ts';
import { FileTransfers } from '@podctl/platform/library/file-transfers.ts';
import { createLibrary } from '@podctl/platform/library/library-marker.ts';
import { Agent } from 'undici';
import { expect, test } from 'vitest';
import { job, ticket } from '../core/machine-example.ts';
import { ByteClient } from './byte-client.ts';
import { inputByCoordinator } from './direct-desk.ts';
import { fetchInput } from './input-fetch.ts';
import { StoreClient } from './store-client.ts';

test('an input that comes a byte at a time, over a way that always breaks off, is not given up', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'podctl-fetch-'));
  await createLibrary(join(folder, 'spool'));
  const spool = await openLibrary(join(folder, 'spool'), null);
  const bytes = randomBytes(8);
  const sha256 = createHash('sha256').update(bytes).digest('hex');
  let breakOff: () => void = () => undefined;
  const server = createServer((request, response) => {
    const start = Number(/^bytes=(\d+)-$/.exec(request.headers.range ?? '')?.[1]);
    response.writeHead(206, {
      'content-range': `bytes ${start}-${bytes.length - 1}/${bytes.length}`,
      'content-length': String(bytes.length - start),
    });
    response.write(bytes.subarray(start, start + 1));
    breakOff = () => response.socket?.destroySoon();
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const dispatcher = new Agent();
  const client = new ByteClient({
    coordinators: [`http://127.0.0.1:${(server.address() as AddressInfo).port}`],
    dispatcher,
    clock: systemClock,
    random: () => 0,
    moved: () => undefined,
    // Whoever does not see the progress gives up at the fourth try.
    limits: { stuckMs: 0, backoffFirstMs: 1, backoffMaxMs: 1 },
  });
  const store = new StoreClient();
  const ports = {
    open: inputByCoordinator(client, store),
    ...{ client, spool, transfers: new FileTransfers(spool), freeBytesMin: 0 },
    makeRoom: async () => {},
    // Once a byte is there.
    moved: () => breakOff(),
  };
  const path = 'staging/input/x/audio.mp3';
  const of = { job: job('transcribe', 1, 5), ticket };
  const signal = new AbortController().signal;
  expect(await fetchInput(ports, of, { path, sha256 }, signal)).toBe('done');
  expect(await readFile(join(spool.root, path))).toEqual(bytes);
  await store.stop();
  await dispatcher.destroy();
  server.close();
  await rm(folder, { recursive: true });
});
