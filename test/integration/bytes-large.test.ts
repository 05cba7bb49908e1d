import { createHash, randomBytes } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { open, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { openLibrary } from '@podctl/platform/library/file-library.ts';
import { FileTransfers } from '@podctl/platform/library/file-transfers.ts';
import { createLibrary } from '@podctl/platform/library/library-marker.ts';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { inputByCoordinator } from '../../apps/agent/src/shell/direct-desk.ts';
import { fetchInput } from '../../apps/agent/src/shell/input-fetch.ts';
import { ByteWorld } from '../support/byte-world.ts';

const MB = 1_000_000;
const SIZE_BYTES = 300 * MB;
/** Agent and coordinator are one process here: sockets, file streams and hashes of both. */
const GROWTH_BYTES_MAX = 96 * MB;
const never = new AbortController().signal;

let world: ByteWorld;
beforeEach(async () => {
  world = await ByteWorld.start();
});
afterEach(() => world.stop());

test('300 MB go up and come down without being held in memory, about as fast as a copy with its hash', {
  timeout: 120_000,
}, async () => {
  const file = await largeFile();
  const copied = await timed(() => copy(file.place));
  const grown = watchMemory();
  const held = world.hold('download');
  // Past the proxy: what is measured is the product.
  const client = world.client({ idleMs: 30_000 }, [world.url]);
  const up = await timed(async () => {
    expect(await client.upload(held, 'audio.mp3', file, { signal: never })).toBe('done');
  });
  const root = join(world.folder, 'spool');
  const spool = await openLibrary(root, await createLibrary(root));
  await world.acceptFile(file.place);
  const transcribe = world.hold('transcribe');
  const path = `staging/input/${file.sha256}/audio.mp3`;
  const open = inputByCoordinator(client, world.store);
  const ports = { client, open, spool, transfers: new FileTransfers(spool), freeBytesMin: 0 };
  const rest = { makeRoom: async () => {}, moved: () => {} };
  const down = await timed(async () => {
    const into = { path, sha256: file.sha256 };
    expect(await fetchInput({ ...ports, ...rest }, transcribe, into, never)).toBe('done');
  });
  const growth = grown();
  const speed = (ms: number) => `${Math.round(SIZE_BYTES / 1_000 / ms)} MB/s`;
  process.stdout.write(
    `300 MB: copy with hash and sync ${speed(copied)}, up ${speed(up)}, down ${speed(down)}, memory +${Math.round(growth / MB)} MB\n`,
  );
  expect(growth).toBeLessThan(GROWTH_BYTES_MAX);
});

/** The most that was held above the beginning, looked at twice a second. */
function watchMemory(): () => number {
  // What is garbage is not held: it is collected before each look.
  setFlagsFromString('--expose-gc');
  const collect = runInNewContext('gc') as () => void;
  const held = () => {
    collect();
    const { heapUsed, arrayBuffers } = process.memoryUsage();
    return heapUsed + arrayBuffers;
  };
  const before = held();
  let most = 0;
  const timer = setInterval(() => {
    most = Math.max(most, held() - before);
  }, 500);
  return () => {
    clearInterval(timer);
    return most;
  };
}

async function timed(work: () => Promise<void>): Promise<number> {
  const beganAtMs = performance.now();
  await work();
  return performance.now() - beganAtMs;
}

async function largeFile() {
  const place = join(world.folder, 'large');
  const block = randomBytes(MB);
  const hash = createHash('sha256');
  const file = await open(place, 'w');
  for (let at = 0; at < SIZE_BYTES; at += MB) {
    block.writeUInt32LE(at, 0);
    hash.update(block);
    await file.write(block);
  }
  await file.close();
  return { place, sizeBytes: SIZE_BYTES, sha256: hash.digest('hex') };
}

/** The least that anybody has to do: read, hash, write, sync. */
async function copy(place: string): Promise<void> {
  const target = join(world.folder, 'copy');
  const file = await open(target, 'w');
  const hash = createHash('sha256');
  await pipeline(createReadStream(place, { highWaterMark: 256 * 1024 }), async (source) => {
    for await (const chunk of source as AsyncIterable<Buffer>) {
      hash.update(chunk);
      await file.writeFile(chunk);
    }
  });
  await file.sync();
  await file.close();
  await rm(target);
}
