import { createHash } from 'node:crypto';
import { NO_FACTS } from '@podctl/domain/feed/fact-marks.ts';
import type { FeedId } from '@podctl/domain/ids.ts';
import { cordonKey, feedKey, jobKey, ledgerKey, metaKey } from '@podctl/domain/key.ts';
import { expect, test } from 'vitest';
import { CLUSTER, episodeOf } from '../../../../test/support/hand-built-fleet.ts';
import { LeaderWorld } from '../../../../test/support/leader-world.ts';
import { type BackupLine, readLine } from '../core/backup.ts';
import { BackupSource, type BackupSourceOptions } from './backup-source.ts';
import { setCordon } from './cordon-orders.ts';

const { signal } = new AbortController();

async function worldOf(episodes: number): Promise<LeaderWorld> {
  const world = await LeaderWorld.start();
  for (let n = 0; n < episodes; n += 1) await world.episode(n);
  return world;
}

async function backup(
  world: LeaderWorld,
  until = signal,
  library: BackupSourceOptions['library'] = null,
) {
  const source = new BackupSource(
    {
      snapshot: () => world.replica.snapshot,
      value: async (bucket, key) => {
        const entry = await world.client.kv(`podctl_${bucket}`).get(key);
        return entry?.kind === 'value' ? new TextDecoder().decode(entry.value) : null;
      },
      nowMs: () => 0,
      version: '1.2.3',
      library,
    },
    until,
  );
  const news = [];
  for await (const one of source.run()) news.push(one);
  const pieces = news.flatMap((one) => (one.kind === 'piece' ? [one.data] : []));
  const text = Buffer.concat(pieces).toString();
  const lines = text
    .split('\n')
    .slice(0, -1)
    .map((line): BackupLine => {
      const read = readLine(line);
      if (!read.ok) throw new Error(read.error);
      return read.value;
    });
  return { news, pieces, text, lines };
}

test('every value is in a backup as it is, what only a newer version can read as well', async () => {
  const world = await worldOf(300);
  const damaged = episodeOf(world.feed, 7);
  world.damage(damaged);
  const { lines, news, text, pieces } = await backup(world);
  world.stop();
  const entries = lines.flatMap((line) => (line.kind === 'entry' ? [line.entry] : []));
  const values = new Map(entries.map(({ key, value }) => [key, value]));
  expect(values.size).toBe(entries.length);
  for (let n = 0; n < 300; n += 1) {
    const episode = episodeOf(world.feed, n);
    expect(values.get(metaKey(world.feed, episode))).toContain(`"title":"Part ${n}"`);
    expect(values.get(jobKey(world.feed, episode))).toEqual(
      episode === damaged ? '{"v":2}' : expect.stringContaining(`"c":"${CLUSTER}"`),
    );
  }
  expect(lines[0]).toMatchObject({ kind: 'header', header: { episodes: 300, podctl: '1.2.3' } });
  const body = text.slice(0, text.trimEnd().lastIndexOf('\n') + 1);
  const sha256 = createHash('sha256').update(body).digest('hex');
  expect(lines.at(-1)).toEqual({ kind: 'trailer', trailer: { keys: 600, sha256 } });
  expect(news.at(-1)).toMatchObject({ kind: 'summary', keys: 600, episodes: 300, sha256 });
  expect(pieces.length).toBeGreaterThan(2);
});

test('a feed is in it with its record', async () => {
  const world = await worldOf(0);
  const feed = 'beta' as FeedId;
  const record = { url: 'http://127.0.0.1/', title: null, addedMs: 0, bookScore: null };
  const never = { etag: null, lastModified: null, lastSuccessMs: null, problem: null };
  const counts = { formerUrls: [], generation: 0, failures: 0, nextPollMs: 0, listed: 0 };
  const of = { cluster: CLUSTER, nonce: world.newNonce(), feed };
  await world.store.casFeed({ ...of, ...record, ...never, ...counts }, 0);
  const { lines, news } = await backup(world);
  world.stop();
  expect(lines[1]).toMatchObject({ kind: 'entry', entry: { key: feedKey(feed) } });
  expect(news.at(-1)).toMatchObject({ kind: 'summary', keys: 1, feeds: 1, episodes: 0 });
});

test('a feed’s ledger is in it, with what is known of the episodes that no filter let through', async () => {
  const world = await worldOf(1);
  const filtered = episodeOf(world.feed, 9);
  const text = new TextEncoder().encode('{"title":"kept back"}');
  await world.client.kv('podctl_meta').put(metaKey(world.feed, filtered), text);
  const marks = { url: 'u', path: 'p', title: 't', dateS: 1, lengthBytes: 2, durationSeconds: 3 };
  const entry = { ...NO_FACTS, ...marks, aliases: [], vanishedS: null, moves: 0, audioChanges: 0 };
  const flags = {
    episode: filtered,
    origin: 'guid',
    isRewritten: false,
    isFiltered: true,
  } as const;
  await world.store.casLedgerPart(world.feed, 0, [{ ...entry, ...flags }], 0);
  const { lines } = await backup(world);
  world.stop();
  const keys = lines.flatMap((line) => (line.kind === 'entry' ? [line.entry.key] : []));
  expect(keys).toEqual(
    expect.arrayContaining([ledgerKey(world.feed, 0), metaKey(world.feed, filtered)]),
  );
});

test('nothing more is read when its caller has left', async () => {
  const world = await worldOf(1);
  const left = new Error('left');
  await expect(backup(world, AbortSignal.abort(left))).rejects.toBe(left);
  world.stop();
});

test('what was decided about agents is in it', async () => {
  const world = await worldOf(0);
  await setCordon(world, world.agent, { kind: 'cordon', reason: 'new disk', by: 'ada' });
  const { lines } = await backup(world);
  world.stop();
  const value = expect.stringContaining('"reason":"new disk"');
  expect(lines[1]).toMatchObject({ kind: 'entry', entry: { key: cordonKey(world.agent), value } });
});
