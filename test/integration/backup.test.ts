import { mkdir, mkdtemp, readFile, rm, stat, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gunzipSync, gzipSync } from 'node:zlib';
import { acquireFolderLock } from '@podctl/platform/folder-lock.ts';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { startNatsServer, type TestNatsServer } from '../support/nats-server.ts';
import { addFeed, Fleet, HeldFeed, podctl, StateLog } from './backup-fleet.ts';

const EPISODES = 3;
let folder: string;
const ends: (() => unknown)[] = [];

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'podctl-backup-'));
});
afterEach(async () => {
  for (const end of ends.splice(0).reverse()) await end();
  await rm(folder, { recursive: true, force: true });
});

async function server(): Promise<TestNatsServer> {
  const nats = await startNatsServer();
  ends.push(() => nats.stop());
  await writeFile(join(folder, 'podctl.yaml'), `nats:\n  url: ${nats.url}\nleader:\n  ttl: 2s\n`);
  return nats;
}

/** A fleet with two episodes done and the download of a third under way, backed up, and stopped like a power cut. */
async function backedUp(feed: HeldFeed, fleet: Fleet) {
  const nats = await server();
  const grpc = await fleet.start(nats.url);
  const log = await StateLog.follow(nats.url);
  ends.push(() => log.close());
  await addFeed(grpc, feed.url);
  await feed.asked();
  await log.untilDone(EPISODES - 1);
  const file = join(folder, 'podctl.backup.gz');
  const made = await podctl(['backup', 'create', file, '--server', grpc, '--json'], folder);
  expect(made, made.stderr).toMatchObject({ code: 0 });
  await fleet.stop('killed');
  await nats.stop();
  return { file, log, made: JSON.parse(made.stdout) as Record<string, unknown> };
}

test('a fleet restored into an empty server is a new cluster, whose agent comes back and does nothing twice', async () => {
  const feed = await HeldFeed.start(EPISODES);
  ends.push(() => feed.stop());
  const fleet = new Fleet(folder);
  ends.push(() => fleet.stop('killed'));
  const { file, log: before, made } = await backedUp(feed, fleet);
  expect(made).toMatchObject({ episodes: EPISODES, feeds: 1 });
  expect((await stat(file)).mode & 0o777).toBe(0o600);

  const nats = await server();
  const restored = await podctl(['backup', 'restore', file, '--json'], folder);
  expect(restored, restored.stderr).toMatchObject({ code: 0 });
  const view = JSON.parse(restored.stdout) as Record<string, unknown>;
  expect(view).toMatchObject({
    episodes: EPISODES,
    freedLocks: 1,
    formerClusterId: made.clusterId,
  });

  const log = await StateLog.follow(nats.url);
  ends.push(() => log.close());
  expect(log.cluster).not.toBe(before.cluster);
  expect(log.cluster).toContain(String(view.clusterId));
  const ran = [...log.newest().values()].find(({ stages }) => stages.download.done === null);
  expect(ran?.stages.download.lock).toMatchObject({
    state: 'free',
    reason: 'restored from a backup',
    failures: 0,
    lostBy: [],
  });

  feed.letGo();
  await fleet.start(nats.url);
  await log.untilDone(EPISODES);
  for (const stage of ['download', 'transcribe'] as const) {
    const old = before.accepted(stage);
    for (const [key, results] of log.accepted(stage)) {
      expect([key, results.size]).toEqual([key, 1]);
      // What was done is the same result, and what was not was done once: by a token above all of the old world.
      const known = [...(old.get(key) ?? [])];
      if (known.length > 0) expect([...results]).toEqual(known);
      else {
        const newest = Math.max(...before.entries.map(({ revision }) => revision));
        expect(Number([...results][0]?.split('-')[1])).toBeGreaterThan(newest);
      }
    }
  }
  // A second restore finds a fleet there, and leaves it alone.
  const again = await podctl(['backup', 'restore', file], folder);
  expect([again.code, again.stderr]).toEqual([8, expect.stringContaining('coordinator')]);
  await fleet.stop();
  const over = await podctl(['backup', 'restore', file], folder);
  expect([over.code, over.stderr]).toEqual([
    8,
    expect.stringContaining('holds the state of a fleet'),
  ]);
}, 120_000);

test('a backup that was cut short or changed is refused in one sentence, and nothing is written', async () => {
  const feed = await HeldFeed.start(EPISODES);
  ends.push(() => feed.stop());
  const fleet = new Fleet(folder);
  ends.push(() => fleet.stop('killed'));
  const { file } = await backedUp(feed, fleet);
  const nats = await server();
  const whole = await readFile(file);

  await truncate(file, whole.length - 20);
  const short = await podctl(['backup', 'restore', file], folder);
  expect([short.code, short.stderr]).toEqual([1, expect.stringMatching(/cut short.*\.\n$/)]);

  const text = gunzipSync(whole).toString().replace('Part 0', 'Part 9');
  await writeFile(file, gzipSync(text));
  const changed = await podctl(['backup', 'restore', file], folder);
  expect([changed.code, changed.stderr]).toEqual([1, expect.stringContaining('SHA-256')]);

  const log = await StateLog.follow(nats.url);
  ends.push(() => log.close());
  expect(log.entries).toEqual([]);
}, 120_000);

test('a backup goes into the stopped data folder of up, once, and is not taken while somebody uses it', async () => {
  const feed = await HeldFeed.start(EPISODES);
  ends.push(() => feed.stop());
  const fleet = new Fleet(folder);
  ends.push(() => fleet.stop('killed'));
  const { file } = await backedUp(feed, fleet);
  await rm(join(folder, 'podctl.yaml'));
  const dataDir = join(folder, 'data');
  const restore = () => podctl(['backup', 'restore', file, '--data-dir', dataDir], folder);
  await mkdir(dataDir);
  const { signal } = new AbortController();
  const lock = await acquireFolderLock(dataDir, { waitMs: 0, signal });
  const taken = await restore();
  await lock.release();
  expect([taken.code, taken.stderr]).toEqual([8, expect.stringContaining('another podctl uses')]);
  const first = await restore();
  expect([first.code, first.stderr]).toEqual([0, expect.stringContaining('Restored 3 episodes')]);
  const second = await restore();
  expect([second.code, second.stderr]).toEqual([8, expect.stringContaining('holds the state')]);
}, 120_000);

test('a backup replaces no file unless it is told to', async () => {
  const file = join(folder, 'podctl.backup.gz');
  await writeFile(file, 'precious');
  const refused = await podctl(['backup', 'create', file], folder);
  expect([refused.code, refused.stderr]).toEqual([8, expect.stringContaining('--force')]);
  expect(await readFile(file, 'utf8')).toBe('precious');
});
