import { createHash } from 'node:crypto';
import { readFile, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { ManualClock } from '@podctl/platform/twin/manual-clock.ts';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { CUT_BYTES, cut, ranged, startOf } from '../../../../test/support/download-answers.ts';
import { DownloadWorld } from '../../../../test/support/download-world.ts';
import { Bandwidth } from './bandwidth.ts';
import { DiskReserve } from './disk-reserve.ts';
import { partsGiveWay } from './part-files.ts';

let world: DownloadWorld;
beforeEach(async () => {
  world = await DownloadWorld.open();
});
afterEach(() => world.close());

/** A first attempt that breaks off. */
async function broken(): Promise<void> {
  world.answers['/a'] = cut(world.audio, { etag: '"v1"' });
  expect(await world.download('/a')).toMatchObject({ code: 'short_read' });
}

async function finishes(token = 6): Promise<void> {
  expect(await world.download('/a', { token })).toMatchObject({ kind: 'finished' });
  expect(await readFile(await world.place('audio.mp3'))).toEqual(world.audio);
}

const lastRange = () => world.asked.at(-1)?.headers.range;

describe('a part', () => {
  test.each([400, 412, 501])(
    'is all asked for at a host that answers a range with %d',
    async (status) => {
      await broken();
      world.answers['/a'] = (response, request) =>
        request.headers.range === undefined
          ? response.end(world.audio)
          : response.writeHead(status).end();
      await finishes();
    },
  );

  test('is asked for again when the host ends before the part does', async () => {
    await broken();
    const { length } = world.audio;
    const headers = { etag: '"v1"' };
    world.answers['/a'] = (response, request) =>
      request.headers.range === undefined
        ? void response.writeHead(200, headers).end(world.audio)
        : void response
            .writeHead(206, {
              ...headers,
              'content-range': `bytes ${startOf(request)}-${length - 1}/${length}`,
            })
            .end(world.audio.subarray(startOf(request), startOf(request) + 10));
    // All of it is there; only what proves that it is of the same file is missing.
    const [, record = ''] = await world.left();
    const place = join(world.store.parts.folder, record);
    const [data = ''] = await world.left();
    await writeFile(join(world.store.parts.folder, data), world.audio);
    const said: object = JSON.parse(await readFile(place, 'utf8'));
    const sha256 = createHash('sha256').update(world.audio).digest('hex');
    await writeFile(
      place,
      JSON.stringify({ ...said, sizeBytes: length, totalBytes: length, sha256 }),
    );
    await finishes();
    expect(lastRange()).toBeUndefined();
  });

  test('is left as it is by an attempt that is called off before it has read it again', async () => {
    await broken();
    const stop = new AbortController();
    const claim = world.parts.claim.bind(world.parts);
    const parts = Object.assign(Object.create(world.parts), {
      sweep: async () => 0,
      claim: async (...of: Parameters<typeof claim>) => {
        const part = await claim(...of);
        stop.abort(new Error('not held'));
        return part;
      },
    });
    const called = world.download('/a', { token: 6, signal: stop.signal, ports: { parts } });
    await expect(called).rejects.toThrow('not held');
    world.answers['/a'] = ranged(world.audio, { etag: '"v1"' });
    await finishes(7);
    expect(world.resumed).toHaveLength(1);
  });

  test('is not accepted when another process has put its own file there', async () => {
    world.answers['/a'] = (response) => {
      response.writeHead(200, { etag: '"v1"' });
      response.write(world.audio.subarray(0, CUT_BYTES), async () => {
        const [name = ''] = await world.left();
        const place = join(world.store.parts.folder, name);
        await writeFile(`${place}.other`, 'of somebody else');
        await rename(`${place}.other`, place);
        response.end(world.audio.subarray(CUT_BYTES));
      });
    };
    expect(await world.download('/a')).toMatchObject({ code: 'part_taken', returned: true });
    expect(await world.staged()).not.toContain('audio.mp3');
    expect(await world.left()).toHaveLength(1);
  });
});

test('parts give way when the disk has less room than must stay, and only then', async () => {
  await broken();
  const at = (freeBytes: number | null) =>
    partsGiveWay({ freeBytes: async () => freeBytes }, world.parts, 100);
  expect([await at(null), await at(110)]).toEqual([0, 0]);
  expect(await world.left()).toHaveLength(2);
  // Above the floor, but not so far that new work would be taken.
  expect(await at(105)).toBe(2);
  expect(await world.left()).toEqual([]);
});

test('our own cap is not the host’s slowness: neither its rate nor its time is counted', async () => {
  const clock = new ManualClock();
  world.answers['/a'] = (response) => response.end(world.audio);
  const bandwidth = new Bandwidth(clock, 1_000);
  const rate = { bytesPerSecondMin: 5_000, windowMs: 10_000 };
  const limits = { rate, totalMs: 60_000 };
  let isOver = false;
  const downloaded = world
    .download('/a', { limits, ports: { clock, bandwidth } })
    .finally(() => (isOver = true));
  while (!isOver) {
    await new Promise((resolve) => setImmediate(resolve));
    // Only while somebody waits beside the limit itself: what the network takes is real time.
    if (clock.sleeping() > 1) await clock.advance(5_000);
  }
  expect(await downloaded).toMatchObject({ kind: 'finished' });
  expect(clock.monotonicMs()).toBeGreaterThan(120_000);
});

test('a body without a length does not go below the floor of the disk', async () => {
  const free = [1e9, 1e9];
  const disk = new DiskReserve(async () => free.shift() ?? 0, 1_000);
  world.answers['/a'] = (response) => {
    const more = () => {
      while (!response.destroyed && response.write(world.audio));
    };
    response.on('drain', more);
    more();
  };
  const outcome = await world.download('/a', { limits: { bytesMax: 1e9 }, ports: { disk } });
  expect(outcome).toMatchObject({ code: 'no_space', returned: true });
  expect(await world.left()).toEqual([]);
});

test('what the disk says is not the episode’s failure, and tells no path', async () => {
  const claim = async () => {
    throw Object.assign(new Error('EACCES: permission denied, open /secret'), { code: 'EACCES' });
  };
  const parts = Object.assign(Object.create(world.parts), { claim, sweep: async () => 0 });
  const outcome = await world.download('/a', { ports: { parts } });
  expect(outcome).toMatchObject({ code: 'disk', returned: true });
  expect(JSON.stringify(outcome)).not.toContain('secret');
});
