import { access, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { EpisodeMeta } from '@podctl/domain/episode-meta.ts';
import type { FeedRecord } from '@podctl/domain/feed-record.ts';
import { clusterIdFrom, type FeedId } from '@podctl/domain/ids.ts';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { found, SearchWorld, spokenJson } from '../../../../test/support/search-world.ts';
import type { TranscriptIndex } from './transcript-index.ts';
import { IndexError } from './transcript-index-thread.ts';

let world: SearchWorld;
beforeEach(async () => {
  world = await SearchWorld.start();
});
afterEach(() => world.stop());

const until = (claim: () => unknown) => expect.poll(claim, { timeout: 8_000, interval: 20 });
const isCurrent = (index: TranscriptIndex, indexed: number) =>
  until(() => index.status()).toMatchObject({ indexed, behind: 0 });

describe('the index of a coordinator', () => {
  test('takes in what was done before it started, and says how far behind it is until then', async () => {
    await world.transcribe('alpha', 1, spokenJson('The long case clock.'));
    await world.transcribe('alpha', 2, spokenJson('No time at all.'));
    world.fleet.information = { ...world.fleet.information, cluster: '' };
    const index = await world.index();
    expect(index.status()).toEqual({ indexed: 0, behind: 2, errors: 0 });
    await expect(found(index, 'clock')).rejects.toThrow(IndexError);
    world.fleet.information = { ...world.fleet.information, cluster: 'c' };
    world.fleet.changed();
    await isCurrent(index, 2);
    expect(await found(index, 'clock')).toEqual(['The long case [clock].']);
  });

  test('takes in a result as it lands, and a newer run in place of the older one', async () => {
    const index = await world.index();
    await isCurrent(index, 0);
    const id = await world.transcribe('alpha', 1, spokenJson('First words.'));
    world.tell(index, 'alpha', id);
    await isCurrent(index, 1);
    await world.transcribe('alpha', 1, spokenJson('Second words.'), 2, 9);
    world.tell(index, 'alpha', id);
    await until(() => found(index, 'words')).toEqual(['Second [words].']);
    expect(index.status()).toEqual({ indexed: 1, behind: 0, errors: 0 });
  });

  test('finds at its next start what it missed: a newer run, and an episode that is gone', async () => {
    await world.transcribe('alpha', 1, spokenJson('First words.'));
    await world.transcribe('beta', 1, spokenJson('Other words.'));
    const before = await world.index();
    await isCurrent(before, 2);
    await before.stop();
    await world.transcribe('alpha', 1, spokenJson('Second words.'), 2, 9);
    world.fleet.snapshot.feeds.delete('beta' as FeedId);
    const index = await world.index();
    await until(() => found(index, 'words')).toEqual(['Second [words].']);
    await isCurrent(index, 1);
  });

  test('finds nothing of a feed that is gone, also before it is taken out of the index', async () => {
    await world.transcribe('alpha', 1, spokenJson('The clock.'));
    const index = await world.index();
    await isCurrent(index, 1);
    world.fleet.feed('alpha' as FeedId, { removed: true } as Partial<FeedRecord>);
    expect(await found(index, 'clock')).toEqual([]);
    world.fleet.snapshot.feeds.delete('alpha' as FeedId);
    expect(await found(index, 'clock')).toEqual([]);
  });

  test('takes in at once again what is of a feed that came back, and is never said to have more than it has', async () => {
    await world.transcribe('alpha', 1, spokenJson('The clock.'));
    await world.transcribe('alpha', 2, spokenJson('The other clock.'));
    await world.transcribe('beta', 1, spokenJson('A clock.'));
    const index = await world.index();
    await isCurrent(index, 3);
    const alpha = 'alpha' as FeedId;
    world.fleet.feed(alpha, { removed: true } as Partial<FeedRecord>);
    expect(index.status()).toMatchObject({ indexed: 3, behind: 0 });
    index.kick();
    await isCurrent(index, 1);
    world.fleet.feed(alpha, { removed: false } as Partial<FeedRecord>);
    expect(index.status()).toMatchObject({ indexed: 1, behind: 2 });
    index.kick();
    await isCurrent(index, 3);
  });

  test('passes over the one with which it cannot be written, and takes in the others', async () => {
    const ids: string[] = [];
    for (let n = 1; n <= 5; n += 1)
      ids.push(await world.transcribe('alpha', n, spokenJson(`The clock ${n}.`)));
    const meta = world.fleet.meta.bind(world.fleet);
    world.fleet.meta = async (feed, episode) => {
      const known = { title: '', publishedMs: 0, ...(await meta(feed, episode)) } as EpisodeMeta;
      return episode === ids[2] ? { ...known, publishedMs: Number.NaN } : known;
    };
    const index = await world.index();
    await until(() => index.status()).toMatchObject({ indexed: 4, behind: 1, errors: 1 });
    expect(world.warnings).toEqual(['a transcript cannot be indexed: it is not found by search']);
    world.tell(index, 'alpha', await world.transcribe('alpha', 6, spokenJson('The clock 6.')));
    await until(() => index.status()).toMatchObject({ indexed: 5, behind: 1, errors: 1 });
  });

  test('counts a transcript that it cannot read, and stays behind by it', async () => {
    await world.transcribe('alpha', 1, 'no JSON');
    await world.transcribe('alpha', 2, spokenJson('The clock.'));
    const index = await world.index();
    await until(() => index.status()).toMatchObject({ indexed: 1, behind: 1, errors: 1 });
    expect(world.warnings).toEqual(['a transcript cannot be indexed: it is not found by search']);
  });
});

describe('the file of the index', () => {
  test('that is damaged is set aside and built anew from the library', async () => {
    await world.transcribe('alpha', 1, spokenJson('The clock.'));
    const path = join(world.folder, 'search.sqlite');
    await writeFile(path, 'damaged '.repeat(2_000));
    const index = await world.index();
    await isCurrent(index, 1);
    expect(await found(index, 'clock')).toEqual(['The [clock].']);
    await access(`${path}.damaged`);
    expect(world.warnings[0]).toMatch(/damaged: it is set aside, and built anew/);
  });

  test('of another cluster is built anew', async () => {
    await world.transcribe('alpha', 1, spokenJson('The clock.'));
    const before = await world.index();
    await isCurrent(before, 1);
    await before.stop();
    const cluster = clusterIdFrom(new Uint8Array(10).fill(8));
    world.fleet.information = { ...world.fleet.information, cluster };
    const index = await world.index();
    await isCurrent(index, 1);
    expect(world.warnings[0]).toMatch(/built anew/);
  });

  test('answers the next search when the caller of one left', async () => {
    await world.transcribe('alpha', 1, spokenJson('The clock.'));
    const index = await world.index();
    await isCurrent(index, 1);
    const left = AbortSignal.abort(new Error('the caller left'));
    const search = { query: { wanted: [], unwanted: [] }, feed: null, sinceMs: null };
    await expect(index.search({ ...search, limit: 1, after: null }, left)).rejects.toThrow(
      'the caller left',
    );
    expect(await found(index, 'clock')).toHaveLength(1);
  });
});
