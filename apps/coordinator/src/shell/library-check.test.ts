import type { EpisodeId } from '@podctl/domain/ids.ts';
import { acceptedFolder } from '@podctl/domain/library-path.ts';
import type { RunToRepeat } from '@podctl/domain/order.ts';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { LeaderWorld } from '../../../../test/support/leader-world.ts';
import { changeFeedRecord } from './feed-changing.ts';
import { FeedRegistry } from './feed-registry.ts';
import { type CheckNews, type CheckRequest, LibraryCheck } from './library-check.ts';
import { Publisher } from './publisher.ts';
import { ViewLinks } from './view-links.ts';

const FILES = { 'audio.mp3': 'sound', 'metadata.json': '{}' };

let world: LeaderWorld;
let publisher: Publisher;
let asked: RunToRepeat[];
const signal = new AbortController().signal;

beforeEach(async () => {
  world = await LeaderWorld.start();
  asked = [];
  const { store, library, replica, log } = world;
  const views = new ViewLinks({ store, library });
  publisher = new Publisher({ ...world.settle, replica, views, log });
  await publisher.start();
});
afterEach(async () => {
  await publisher.stop();
  world.stop();
});

/** Episodes with an accepted download each; gives the folders of their files. */
async function accepted(count: number): Promise<{ episode: EpisodeId; folder: string }[]> {
  const rows = [];
  for (let n = 0; n < count; n += 1) {
    const episode = await world.episode(n);
    const token = await world.committed(episode, FILES);
    rows.push({ episode, folder: acceptedFolder(world.feed, episode, 'download', 1, token) });
  }
  await world.clock.advance(2_000);
  return rows;
}

async function check(request: Partial<CheckRequest> = {}): Promise<CheckNews[]> {
  const options = {
    library: world.library,
    clock: world.clock,
    snapshot: () => world.replica.snapshot,
    repeat: async (_request: string, runs: readonly RunToRepeat[]) => {
      asked.push(...runs);
      return runs.length;
    },
  };
  const all = { quick: false, repair: false, force: false, ...request };
  const news: CheckNews[] = [];
  for await (const one of new LibraryCheck(options, all, signal).run()) news.push(one);
  return news;
}

const findings = (news: readonly CheckNews[]) =>
  news.flatMap((one) => (one.kind === 'finding' ? [one.finding] : []));
const summary = (news: readonly CheckNews[]) => news.at(-1);

describe('a library compared with the ledger', () => {
  it('that is whole has no difference, and every byte was read', async () => {
    await accepted(3);
    const news = await check();
    expect(findings(news)).toEqual([]);
    expect(summary(news)).toMatchObject({ checked: 3, damaged: 0, unknown: 0, bytes: 3 * 7 });
    expect(news[0]).toEqual({ kind: 'progress', checked: 1, total: 3, bytes: 7 });
  });

  it('tells each file that is missing, has another size, or other bytes of the same size', async () => {
    const rows = await accepted(3);
    const [gone, cut, changed] = rows.map(({ folder }) => `${folder}/audio.mp3`);
    world.library.lose(gone ?? '');
    await world.library.put(cut ?? '', 'so');
    await world.library.put(changed ?? '', 'SOUND');
    const news = await check();
    expect(findings(news).map(({ fault, path }) => [fault, path])).toEqual(
      expect.arrayContaining([
        ['missing', gone],
        ['wrong_size', cut],
        ['wrong_sha256', changed],
      ]),
    );
    expect(summary(news)).toMatchObject({ checked: 3, damaged: 3, missing: 1 });
    const quick = await check({ quick: true });
    expect(findings(quick).map(({ fault }) => fault)).not.toContain('wrong_sha256');
  });

  it('passes over what is of a removed feed, and does none of it again', async () => {
    const [row] = await accepted(2);
    world.library.lose(`${row?.folder}/audio.mp3`);
    const { clock, store, replica } = world;
    const registry = new FeedRegistry({ clock, store, replica, titleOf: async () => null });
    await registry.add([
      { url: 'https://pods.example/a.xml', title: null, bookScore: null, id: world.feed },
    ]);
    const change = { kind: 'change_feed', feed: world.feed, dryRun: false } as const;
    await changeFeedRecord(world, { ...change, change: { remove: true } });
    const news = await check({ repair: true, force: true });
    expect([findings(news), asked]).toEqual([[], []]);
    expect(summary(news)).toMatchObject({ checked: 0, damaged: 0, ofRemovedFeeds: 2 });
  });

  it('tells a manifest that is gone or changed', async () => {
    const [one, two] = await accepted(2);
    world.library.lose(`${one?.folder}/manifest.json`);
    await world.library.put(`${two?.folder}/manifest.json`, '{}');
    expect(
      findings(await check())
        .map(({ fault }) => fault)
        .sort(),
    ).toEqual(['missing', 'wrong_sha256']);
  });

  it('does not call missing what retention took away', async () => {
    const [row] = await accepted(1);
    if (row === undefined) throw new Error('no episode');
    world.library.lose(`${row.folder}/audio.mp3`);
    await world.library.put(`${row.folder}/removed.json`, '["audio.mp3"]');
    // By the state, which may be of a backup from before, its transcription is still to come.
    const news = await check({ repair: true, force: true });
    expect(findings(news).map(({ fault }) => fault)).toEqual(['missing']);
    expect(asked).toMatchObject([{ episode: row.episode, stage: 'download', run: 1 }]);
    const skip = { kind: 'skip', reason: 'nobody wants it' } as const;
    await world.store.moveEpisode(world.feed, row.episode, 'transcribe', () => skip);
    const after = await check();
    expect(findings(after)).toEqual([]);
    expect(summary(after)).toMatchObject({ damaged: 0 });
  });

  it('tells files that nothing accepted has, and knows earlier runs and what is being published', async () => {
    const [row] = await accepted(1);
    if (row === undefined) throw new Error('no episode');
    const again = await world.committed(row.episode, FILES, 2);
    await world.clock.advance(2_000);
    await publisher.stop();
    const later = await world.episode(9);
    const token = await world.committed(later, FILES);
    const publishing = acceptedFolder(world.feed, later, 'download', 1, token);
    await world.library.put(`${publishing}/audio.mp3`, 'sound');
    expect(findings(await check())).toEqual([]);
    const strays = [
      `${acceptedFolder(world.feed, row.episode, 'download', 2, (again + 1) as typeof again)}/a`,
      'episodes/readme.txt',
      `episodes/nobody/${row.episode}/download/r1-1/a`,
      `${row.folder}/deep/er`,
    ];
    for (const path of strays) await world.library.put(path, 'x');
    const found = findings(await check());
    expect(found.map(({ path }) => path).sort()).toEqual([...strays].sort());
    expect(new Set(found.map(({ fault }) => fault))).toEqual(new Set(['unknown']));
  });

  it('says nothing of an episode that got a newer run while it was looked at', async () => {
    const [row] = await accepted(1);
    if (row === undefined) throw new Error('no episode');
    world.library.lose(`${row.folder}/audio.mp3`);
    world.library.beforeHash = async () => {
      world.library.beforeHash = async () => {};
      await world.committed(row.episode, FILES, 2);
      await world.clock.advance(2_000);
    };
    const news = await check();
    expect(findings(news)).toEqual([]);
  });

  it('goes on past a file that cannot be read', async () => {
    const [row] = await accepted(2);
    world.library.unreadable.add(`${row?.folder}/audio.mp3`);
    const news = await check();
    expect(findings(news)).toMatchObject([{ fault: 'wrong_sha256' }]);
    expect(summary(news)).toMatchObject({ checked: 2, damaged: 1 });
  });

  it('is not judged while it is offline', async () => {
    await accepted(1);
    world.library.offline = 'the disk is not mounted';
    await expect(check()).rejects.toMatchObject({ code: 'offline' });
  });
});

describe('a repair', () => {
  it('asks again for each damaged run, and for no other', async () => {
    const rows = await accepted(40);
    world.library.lose(`${rows[1]?.folder}/audio.mp3`);
    await world.library.put(`${rows[2]?.folder}/audio.mp3`, 'SOUND');
    expect(summary(await check({ repair: true }))).toMatchObject({
      requested: 2,
      repairRefused: '',
    });
    const stage = 'download';
    const wanted = rows.slice(1, 3).map(({ episode }) => ({
      ...{ feed: world.feed, episode, stage, run: 1 },
    }));
    expect(asked).toEqual(wanted);
  });

  it('stops above 5 % missing, unless it is forced', async () => {
    const rows = await accepted(20);
    world.library.lose(`${rows[0]?.folder}/audio.mp3`);
    expect(summary(await check({ repair: true }))).toMatchObject({ requested: 1 });
    world.library.lose(`${rows[1]?.folder}/audio.mp3`);
    asked = [];
    expect(summary(await check({ repair: true }))).toMatchObject({
      requested: 0,
      repairRefused: expect.stringContaining('2 of 20 results (10.0 %) are missing'),
    });
    expect(asked).toEqual([]);
    expect(summary(await check({ repair: true, force: true }))).toMatchObject({ requested: 2 });
  });
});
