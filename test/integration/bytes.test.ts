import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { readFile, truncate, writeFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { join } from 'node:path';
import { openLibrary } from '@podctl/platform/library/file-library.ts';
import { FileTransfers } from '@podctl/platform/library/file-transfers.ts';
import { createLibrary } from '@podctl/platform/library/library-marker.ts';
import { afterEach, describe, expect, test } from 'vitest';
import { inputByCoordinator } from '../../apps/agent/src/shell/direct-desk.ts';
import { fetchInput } from '../../apps/agent/src/shell/input-fetch.ts';
import { active, get, jobPath, patch, requestHead } from '../support/byte-requests.ts';
import { ByteWorld, type Held, sha256Of, type WorldSettings } from '../support/byte-world.ts';

const MB = 1_000_000;
const never = new AbortController().signal;

let world: ByteWorld;
async function start(settings: WorldSettings = {}): Promise<void> {
  world = await ByteWorld.start(settings);
}
afterEach(() => world.stop());

const stored = (held: Held, name: string) =>
  readFile(join(world.library.root, world.staged(held.job, name)));

describe('an upload', () => {
  test('goes on where a cut left it, however often it is cut', async () => {
    await start();
    const held = world.hold('download');
    const bytes = randomBytes(6 * MB);
    const file = await world.file(bytes);
    for (const cut of [1, 700_000, 300, 1_500_000, 900_000, 20, 100_000])
      world.proxy.cuts.push({ direction: 'up', bytes: cut });
    world.proxy.cuts.push({ direction: 'down', bytes: 10 });
    const progress: number[] = [];
    const onProgress = (at: number) => progress.push(at);
    const end = await world.client().upload(held, 'audio.mp3', file, { signal: never, onProgress });
    expect(end).toBe('done');
    expect(world.proxy.done).toBe(8);
    expect(sha256Of(await stored(held, 'audio.mp3'))).toBe(file.sha256);
    expect(progress).toEqual([...progress].sort((a, b) => a - b));
    // Most of it went over the wire once: what is sent twice is what was under way at a cut.
    expect(world.moved.out).toBeLessThan(3 * bytes.length);
    expect(await world.library.list('staging', 10)).toHaveLength(1);
  });

  test('survives the death of the coordinator in mid-upload, and moves on to another address', async () => {
    await start();
    const held = world.hold('download');
    const file = await world.file(randomBytes(20 * MB));
    const halfway = world.proxy.holdsAt(MB);
    const dead = 'http://127.0.0.1:1';
    const client = world.client({}, [dead, world.proxy.url]);
    const ended = client.upload(held, 'audio.mp3', file, { signal: never });
    await halfway;
    await world.restart();
    expect(await ended).toBe('done');
    // What had arrived was not sent again.
    expect(world.moved.out).toBeLessThan(2 * file.sizeBytes);
    expect(sha256Of(await stored(held, 'audio.mp3'))).toBe(file.sha256);
  });

  test('of a file that is whole already is said to be so, after it was looked at', async () => {
    await start();
    const held = world.hold('transcribe');
    const file = await world.file(Buffer.from('some words'));
    const client = world.client();
    expect(await client.upload(held, 'transcript.txt', file, { signal: never })).toBe('done');
    expect(await client.upload(held, 'transcript.txt', file, { signal: never })).toBe('done');
    const other = await world.file(Buffer.from('same size!'));
    expect(await client.upload(held, 'transcript.txt', other, { signal: never })).toBe('damaged');
    expect((await stored(held, 'transcript.txt')).toString()).toBe('some words');
  });

  test('with the wrong digest leaves nothing, and is given up after three times', async () => {
    await start();
    const held = world.hold('download');
    const file = { ...(await world.file(randomBytes(1_000))), sha256: 'a'.repeat(64) };
    const end = await world.client().upload(held, 'audio.mp3', file, { signal: never });
    expect(end).toBe('damaged');
    expect(await world.library.list('staging', 10)).toEqual([]);
    expect(await world.page()).toContain('podctl_transfers_refused_total{reason="wrong_digest"} 3');
  });

  test('whose part was damaged on the disk is sent again from its beginning', async () => {
    await start();
    const held = world.hold('download');
    const bytes = randomBytes(2 * MB);
    const files = new FileTransfers(world.library);
    const path = world.staged(held.job, 'audio.mp3');
    async function* wrong() {
      yield Buffer.alloc(MB);
    }
    await files.append(path, 0, wrong(), { signal: never, bytesMax: MB });
    const file = await world.file(bytes);
    expect(await world.client().upload(held, 'audio.mp3', file, { signal: never })).toBe('done');
    expect(sha256Of(await stored(held, 'audio.mp3'))).toBe(file.sha256);
  });

  test('ends when its lock is lost, in its middle too, and nothing gets its name', async () => {
    await start();
    const held = world.hold('download');
    const file = await world.file(randomBytes(5 * MB));
    const client = world.client();
    const halfway = world.proxy.holdsAt(MB);
    const ended = client.upload(held, 'audio.mp3', file, { signal: never });
    await halfway;
    await active(world, 'in', 1);
    world.release('download');
    expect(await ended).toBe('gone');
    expect(await world.library.stat(world.staged(held.job, 'audio.mp3'))).toBeNull();
    expect(await client.upload(held, 'audio.mp3', file, { signal: never })).toBe('gone');
    await active(world, 'in', 0);
  });

  test('ends with its job', async () => {
    await start();
    const held = world.hold('download');
    const file = await world.file(randomBytes(5 * MB));
    const stop = new AbortController();
    const halfway = world.proxy.holdsAt(MB);
    const ended = world.client().upload(held, 'audio.mp3', file, { signal: stop.signal });
    await halfway;
    await active(world, 'in', 1);
    stop.abort(new Error('called off'));
    await expect(ended).rejects.toThrow('called off');
    world.proxy.letGo();
    await active(world, 'in', 0);
  });

  test('is given up when no coordinator can be reached for long', async () => {
    await start();
    const held = world.hold('download');
    const file = await world.file(Buffer.from('x'));
    const client = world.client({ stuckMs: 30 }, ['http://127.0.0.1:1']);
    expect(await client.upload(held, 'audio.mp3', file, { signal: never })).toBe('stuck');
  });

  test('waits while the library’s disk is full', async () => {
    await start({ floorBytes: Number.MAX_SAFE_INTEGER });
    const held = world.hold('download');
    const answer = await patch(world, held, 'audio.mp3', Buffer.from('x'));
    expect(answer.statusCode).toBe(507);
    expect(answer.headers['retry-after']).toBe('30');
    expect((await get(world, '/v1/library')).statusCode).toBe(507);
  });
});

describe('two writers of one file', () => {
  test('the newer ends the older, and goes on behind what that one wrote', async () => {
    await start();
    const held = world.hold('download');
    const bytes = randomBytes(3 * MB);
    const older = connect(world.port, '127.0.0.1').resume();
    const closed = once(older, 'close');
    older.on('error', () => {});
    older.write(
      requestHead('PATCH', held, 'files/audio.mp3', {
        'upload-offset': '0',
        'upload-complete': '?0',
        'content-length': String(bytes.length),
      }),
    );
    older.write(bytes.subarray(0, MB));
    await active(world, 'in', 1);
    const file = await world.file(bytes);
    expect(await world.client().upload(held, 'audio.mp3', file, { signal: never })).toBe('done');
    await closed;
    expect(sha256Of(await stored(held, 'audio.mp3'))).toBe(file.sha256);
  });
});

describe('an input', () => {
  test('is fetched on from where a cut left it, and has its name only when it is right', async () => {
    await start();
    const audio = randomBytes(5 * MB);
    const { sha256 } = await world.accept(audio);
    const held = world.hold('transcribe');
    for (const bytes of [100, MB, 2 * MB, 300_000])
      world.proxy.cuts.push({ direction: 'down', bytes });
    const { end, path, spool } = await fetchTo(held, sha256);
    expect(end).toBe('done');
    expect(world.proxy.done).toBe(4);
    expect(sha256Of(await readFile(join(spool.root, path)))).toBe(sha256);
    expect(world.moved.in).toBeLessThan(2 * audio.length);
  });

  test('that is another one than was told is not fetched', async () => {
    await start();
    await world.accept(randomBytes(1_000));
    const held = world.hold('transcribe');
    expect((await fetchTo(held, 'a'.repeat(64))).end).toBe('changed');
  });

  test('that is not there, or is cut short on the disk, is said to be missing', async () => {
    await start();
    const { path, sha256 } = await world.accept(randomBytes(1_000));
    const held = world.hold('transcribe');
    await truncate(join(world.library.root, path), 10);
    expect((await fetchTo(held, sha256)).end).toBe('missing');
  });

  test('of a lock that is gone is not given', async () => {
    await start();
    const { sha256 } = await world.accept(randomBytes(1_000));
    const held = world.hold('transcribe');
    world.release('transcribe');
    expect((await fetchTo(held, sha256)).end).toBe('gone');
  });

  test('answers ranges as HTTP has them', async () => {
    await start();
    const audio = randomBytes(1_000);
    const { sha256 } = await world.accept(audio);
    const held = world.hold('transcribe');
    const ask = (headers: Record<string, string>) =>
      get(world, jobPath(held, 'input'), held.ticket, headers);
    const some = await ask({ range: 'bytes=10-19' });
    expect([some.statusCode, some.headers['content-range'], some.headers.etag]).toEqual([
      206,
      'bytes 10-19/1000',
      `"${sha256}"`,
    ]);
    expect(some.bytes).toEqual(audio.subarray(10, 20));
    expect((await ask({})).bytes).toEqual(audio);
    const beyond = await ask({ range: 'bytes=1000-' });
    expect([beyond.statusCode, beyond.headers['content-range']]).toEqual([416, 'bytes */1000']);
    expect((await ask({ 'if-match': '"other"' })).statusCode).toBe(412);
  });
});

test('a stop ends what runs, and a library that is away is said to be so', async () => {
  await start();
  const held = world.hold('download');
  const file = await world.file(randomBytes(5 * MB));
  const stop = new AbortController();
  const halfway = world.proxy.holdsAt(MB);
  const ended = world.client().upload(held, 'audio.mp3', file, { signal: stop.signal });
  const failed = expect(ended).rejects.toThrow('enough');
  await halfway;
  await active(world, 'in', 1);
  await world.server.stop();
  await active(world, 'in', 0);
  stop.abort(new Error('enough'));
  await failed;
  await world.restart();
  await writeFile(join(world.library.root, 'library.json'), '{}');
  expect((await get(world, '/v1/library')).statusCode).toBe(503);
  expect((await patch(world, held, 'audio.txt', Buffer.from('x'))).statusCode).toBe(503);
});

test('a snapshot that has not seen the assignment judges nobody', async () => {
  await start();
  const held = world.hold('download');
  const unseen = {
    ...held,
    job: { ...held.job, token: (held.job.token + 1) as typeof held.job.token },
  };
  const answer = await get(world, jobPath(unseen, 'files/audio.mp3'), held.ticket, {}, 'HEAD');
  expect([answer.statusCode, answer.headers['retry-after']]).toEqual([503, '1']);
});

async function fetchTo(held: Held, sha256: string) {
  const root = join(world.folder, 'spool');
  await createLibrary(root);
  const spool = await openLibrary(root, null);
  const path = `staging/input/${sha256}/audio.mp3`;
  const client = world.client();
  const ports = {
    client,
    open: inputByCoordinator(client, world.store),
    spool,
    transfers: new FileTransfers(spool),
    freeBytesMin: 0,
    makeRoom: async () => {},
    moved: (direction: 'in' | 'out', bytes: number) => {
      world.moved[direction] += bytes;
    },
  };
  return { end: await fetchInput(ports, held, { path, sha256 }, never), path, spool };
}
