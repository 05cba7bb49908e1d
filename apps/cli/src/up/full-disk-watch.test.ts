import { execFileSync } from 'node:child_process';
import { mkdir, mkdtemp, open, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ensureAuthority } from '@podctl/platform/authority/authority.ts';
import { systemClock } from '@podctl/platform/clock.ts';
import { acquireFolderLock } from '@podctl/platform/folder-lock.ts';
import { openBucket } from '@podctl/platform/nats/bucket.ts';
import { connectNats } from '@podctl/platform/nats/connection.ts';
import { natsKv } from '@podctl/platform/nats/kv.ts';
import { natsLogin } from '@podctl/platform/nats-login.ts';
import { describe, expect, test } from 'vitest';
import { roomAgain, saysDiskFull } from './full-disk-watch.ts';
import { embeddedNats } from './nats-server.ts';
import { SupervisedChild } from './supervised-child.ts';

const never = new AbortController().signal;
const DISK_BYTES = 96 * 1024 * 1024;

describe('a line of nats-server', () => {
  test.each([
    [
      "[7] 2026/11/23 00:12:17.179685 [ERR] JetStream stream '$G > S' critical write error: write /d/1.blk: no space left on device",
      true,
    ],
    [
      "[7] 2026/11/23 00:12:19.180207 [ERR] JetStream failed to store a msg on stream '$G > S': write /d/1.blk: no space left on device",
      true,
    ],
    ['[7] 2026/11/23 00:12:19.180207 [ERR] JetStream out of resources, will be DISABLED', true],
    ['[7] 2026/11/23 00:11:40.246099 [INF] Server is ready', false],
    [
      "[7] 2026/11/23 00:12:19.180207 [ERR] JetStream failed to store a msg on stream 'S': input/output error",
      false,
    ],
  ])('%s: a full disk? %s', (line, full) => {
    expect(saysDiskFull(line)).toBe(full);
  });
});

test('the wait for room ends with its signal', async () => {
  const reason = new Error('stopped');
  await expect(roomAgain(tmpdir(), AbortSignal.abort(reason))).rejects.toMatchObject({
    name: 'AbortError',
  });
});

// Root mounts a small file system; the run names this test as skipped elsewhere.
test.skipIf(process.getuid?.() !== 0)(
  'nats-server that could not write is started again when its disk has room, says so, and writes (needs root to mount a small disk)',
  async () => {
    const folder = await mkdtemp(join(tmpdir(), 'podctl-nats-full-'));
    const disk = join(folder, 'disk');
    await mkdir(disk);
    execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${DISK_BYTES}`, 'podctl-test', disk]);
    const cleanup = new AsyncDisposableStack();
    cleanup.defer(async () => {
      execFileSync('umount', ['-l', disk]);
      await rm(folder, { recursive: true });
    });
    try {
      await fillFreeAndWrite(folder, disk, cleanup);
    } finally {
      await cleanup.disposeAsync();
    }
  },
  60_000,
);

async function fillFreeAndWrite(folder: string, disk: string, cleanup: AsyncDisposableStack) {
  const lines = new LineLog();
  const lock = await acquireFolderLock(join(folder, 'lock'), { waitMs: 0, signal: never });
  cleanup.defer(() => lock.release());
  const authority = await ensureAuthority(join(folder, 'authority'), Date.now());
  const place = {
    authority,
    hosts: [],
    program: process.env.PODCTL_TEST_NATS_SERVER ?? '',
    folder: disk,
    storeLimitBytes: 1e9,
    listen: { host: '127.0.0.1', port: 0 },
    lockFd: lock.fd,
    log: () => undefined,
    told: (line: string) => lines.add(line),
  };
  const nats = embeddedNats(place);
  const child = new SupervisedChild(nats.charge, {
    told: place.told,
    gaveUp: (error) => lines.add(error.message),
  });
  await child.start(never);
  cleanup.defer(() => child.stop());
  const access = {
    servers: [nats.url()],
    as: { kind: 'authority', folder: authority.folder },
    ca: authority.ca.certPem,
  } as const;
  const ports = { clock: systemClock, random: Math.random, onError: () => undefined };
  const link = await connectNats(
    { ...(await natsLogin(access, authority)), name: 'test' },
    { ...ports, listen: () => undefined },
    never,
  );
  cleanup.defer(() => link.close());
  const bucket = await openBucket(
    link,
    { name: 'state', replicas: 1, timeoutMs: 1_000 },
    systemClock,
    never,
  );
  const kv = natsKv(bucket, ports);
  await kv.put('before', Buffer.from('kept'));

  await fill(join(disk, 'filler'));
  await expect(writeMany((key) => kv.put(key, Buffer.alloc(100_000)))).rejects.toThrow();
  await lines.shows(/^nats-server cannot write: the disk of .* is full; free some space/);
  await rm(join(disk, 'filler'));
  const freedAtMs = performance.now();
  await lines.shows(/has room again: nats-server was stopped; it is started again in /);
  await lines.shows(/^nats-server runs again$/);
  process.stdout.write(
    `nats-server runs again ${((performance.now() - freedAtMs) / 1_000).toFixed(1)} s after room was made\n`,
  );
  await link.whenConnected(AbortSignal.timeout(10_000));
  await kv.put('after', Buffer.from('written'));
  expect((await kv.get('before'))?.kind).toBe('value');
  expect(lines.all).toHaveLength(3);
}

/** All that is free. */
async function fill(path: string): Promise<void> {
  const file = await open(path, 'w');
  try {
    for (let i = 0; i < DISK_BYTES / 65_536 + 1; i += 1) await file.write(Buffer.alloc(65_536));
  } catch {
    // The disk is full.
  } finally {
    await file.close();
  }
}

async function writeMany(write: (key: string) => Promise<number>): Promise<void> {
  for (let i = 0; i < 20; i += 1) await write(`k${i}`);
}

/** What the person is told, and who waits for it. */
class LineLog {
  readonly all: string[] = [];
  readonly #waiting = new Set<() => void>();

  add(line: string): void {
    this.all.push(line);
    for (const check of this.#waiting) check();
  }

  shows(pattern: RegExp): Promise<void> {
    return new Promise((resolve) => {
      const check = () => {
        if (this.all.some((line) => pattern.test(line))) resolve();
      };
      this.#waiting.add(check);
      check();
    });
  }
}
