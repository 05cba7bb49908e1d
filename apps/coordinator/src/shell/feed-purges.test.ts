import type { EpisodeId, FeedId, Token } from '@podctl/domain/ids.ts';
import { acceptedFolder, adoptedStagingFolder } from '@podctl/domain/library-path.ts';
import { MANIFEST_NAME } from '@podctl/domain/manifest.ts';
import type { Stage } from '@podctl/domain/stage.ts';
import { LibraryError } from '@podctl/platform/library.ts';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { type CLUSTER, episodeOf } from '../../../../test/support/hand-built-fleet.ts';
import { LeaderWorld } from '../../../../test/support/leader-world.ts';
import { completenessOf, isMissing } from '../core/completeness.ts';
import { changeFeedRecord } from './feed-changing.ts';
import { FeedPurges } from './feed-purges.ts';
import { FeedRegistry } from './feed-registry.ts';
import { sizeOfFeed } from './feed-size.ts';
import { LibraryCheck } from './library-check.ts';
import { isSearchable } from './transcript-source.ts';
import { ViewLinks } from './view-links.ts';

let world: LeaderWorld;
let views: ViewLinks;
let registry: FeedRegistry;
const url = 'https://pods.example/alpha.xml';

beforeEach(async () => {
  world = await LeaderWorld.start();
  views = new ViewLinks({ store: world.store, library: world.library });
  const { clock, store, replica } = world;
  registry = new FeedRegistry({ clock, store, replica, titleOf: async () => null });
  await add();
});
afterEach(() => world.stop());

const add = () => registry.add([{ url, title: null, bookScore: null, id: world.feed }]);
const remove = (purge = true) => {
  const change = purge ? ({ remove: true, purge: true } as const) : ({ remove: true } as const);
  return changeFeedRecord(world, { kind: 'change_feed', feed: world.feed, change, dryRun: false });
};
const record = async () => (await world.store.readFeed(world.feed)).record;
const row = () => {
  const found = world.replica.snapshot.feeds.get(world.feed);
  if (found === undefined) throw new Error('the feed is not known');
  return found;
};

class PurgesByHand extends FeedPurges {
  once(signal: AbortSignal): Promise<void> {
    return this.turn(signal);
  }
}

/** Two turns of a leader's purges: one that removes, and one that finds nothing more. */
async function turn(): Promise<void> {
  for (const _ of ['removes', 'ends']) await turnOnce();
}

/** From its beginning to its end. */
async function turnOnce(): Promise<void> {
  await new PurgesByHand(world).once(new AbortController().signal);
}

async function done(
  id: EpisodeId,
  stage: Stage,
  files: { readonly [name: string]: string },
): Promise<Token> {
  const run = ((await world.state(id)).stages[stage].done?.run ?? 0) + 1;
  const token = await world.assign(id, stage);
  const manifest = await world.finish(id, token, files, { stage, run });
  await world.commit(id, token, manifest, stage);
  const to = acceptedFolder(world.feed as FeedId, id, stage, run, token);
  for (const file of [...Object.keys(files), MANIFEST_NAME])
    await world.library.link(`${world.staging(id, token, stage)}/${file}`, `${to}/${file}`);
  await world.store.moveEpisode(world.feed, id, stage, () => ({ kind: 'publish', token }));
  await views.show(world.feed, id, stage);
  return token;
}

async function transcribed(n: number, words = `words ${n}`): Promise<EpisodeId> {
  const known = row().episodes.size > n;
  const id = known ? [...row().episodes.keys()][n] : await world.episode(n);
  if (id === undefined) throw new Error('broken invariant');
  await done(id, 'download', { 'audio.mp3': `sound of ${words}`, 'metadata.json': '{}' });
  await done(id, 'transcribe', { 'transcript.txt': words });
  return id;
}

const paths = async () => {
  const roots = ['episodes', 'podcasts', 'staging'];
  const lists = await Promise.all(roots.map((root) => world.library.list(root, 1_000)));
  return lists.flat().map(({ path }) => path);
};

describe('a purge', () => {
  it('takes all that a removed feed has in the library, and nothing of any other', async () => {
    await transcribed(0);
    const others = ['episodes/beta/e/download/r1-5/audio.mp3', 'podcasts/Beta/x [bbbbbbbb].mp3'];
    const strange = 'staging/temporary/x';
    for (const path of [...others, strange]) await world.library.put(path, 'not mine');
    await world.library.put('podcasts/Old title/old [zzz] x.mp3', 'not mine either');
    const short = [...row().episodes.keys()][0]?.slice(0, 8);
    await world.library.put(`podcasts/Old title/2020 older-${short}.mp3`, 'an older title');
    expect(await sizeOfFeed(row())).toMatchObject({ results: 2, files: 5 });
    expect(await remove()).toMatchObject({ fields: ['removed', 'purge'], purge: { files: 5 } });
    await turn();
    expect(await record()).toMatchObject({ removed: true, purge: { state: 'done', files: 5 } });
    expect((await paths()).sort()).toEqual(
      [...others, strange, 'podcasts/Old title/old [zzz] x.mp3'].sort(),
    );
    expect(await sizeOfFeed(row())).toEqual({ results: 0, files: 0, bytes: 0 });
    // Asked again it is done, and nothing is counted anew.
    expect(await remove()).toMatchObject({ fields: [], purge: { state: 'done', files: 5 } });
  });

  it('takes a name that was being made when its file went', async () => {
    await transcribed(0);
    await remove();
    const removeFile = world.library.remove.bind(world.library);
    let isLate = true;
    world.library.remove = async (path) => {
      if (isLate && path.endsWith('/audio.mp3')) {
        isLate = false;
        await world.library.link(path, `podcasts/Alpha/x [${path.split('/')[2]?.slice(0, 8)}].mp3`);
      }
      return removeFile(path);
    };
    await turn();
    expect((await record())?.purge?.state).toBe('wanted');
    await turn();
    expect(await paths()).toEqual([]);
    expect((await record())?.purge?.state).toBe('done');
  });

  it('takes what was removed before nothing of without being asked', async () => {
    await transcribed(0);
    await remove(false);
    const before = await paths();
    await turn();
    expect(await paths()).toEqual(before);
    expect(await remove()).toMatchObject({ fields: ['purge'] });
    await turn();
    expect(await paths()).toEqual([]);
  });

  it('has the record of each episode before anything of it goes', async () => {
    const id = await transcribed(0);
    const removeFile = world.library.remove.bind(world.library);
    const seen: boolean[] = [];
    world.library.remove = async (path) => {
      const { stages } = await world.state(id);
      seen.push(stages.download.done?.purged === true && stages.transcribe.done?.purged === true);
      const names = await world.library.list('podcasts', 10);
      if (path.startsWith('episodes/')) seen.push(names.length === 0);
      return removeFile(path);
    };
    await remove();
    await turn();
    expect(seen.length).toBeGreaterThan(8);
    expect(new Set(seen)).toEqual(new Set([true]));
  });

  it('that was cut off goes on with the next leader, wherever it was', async () => {
    for (let n = 0; n < 3; n += 1) await transcribed(n);
    await remove();
    const removeFile = world.library.remove.bind(world.library);
    for (let crashes = 0; crashes < 12; crashes += 1) {
      let left = crashes;
      world.library.remove = async (path) => {
        left -= 1;
        if (left < 0) throw new LibraryError('offline', 'killed');
        return removeFile(path);
      };
      await turn().catch(() => undefined);
      const { state } = (await record())?.purge ?? {};
      if (state === 'done') break;
      expect(await add()).toMatchObject([{ kind: 'refused' }]);
    }
    world.library.remove = removeFile;
    await turn();
    await turn();
    expect(await paths()).toEqual([]);
    expect((await record())?.purge?.state).toBe('done');
  });

  it('waits for who works on an episode, and takes the others', async () => {
    const [busy, idle] = [await transcribed(0), await transcribed(1)];
    await world.store.moveEpisode(world.feed, busy, 'transcribe', () => ({
      kind: 'request',
      request: 'better',
    }));
    const token = await world.assign(busy, 'transcribe');
    const manifest = await world.finish(
      busy,
      token,
      { 'transcript.txt': 'b' },
      {
        ...{ stage: 'transcribe' as const, run: 2 },
      },
    );
    await remove();
    for (const settle of [
      () => undefined,
      () => world.commit(busy, token, manifest, 'transcribe'),
    ]) {
      await settle();
      await turn();
      expect((await record())?.purge?.state).toBe('wanted');
      const left = await paths();
      expect(left.filter((path) => path.includes(idle))).toEqual([]);
      expect(left.filter((path) => path.includes(`${busy}/download`))).toHaveLength(3);
      expect(left).toContain(`${world.staging(busy, token, 'transcribe')}/transcript.txt`);
      expect((await world.state(busy)).stages.download.done).not.toHaveProperty('purged');
    }
    await world.store.moveEpisode(world.feed, busy, 'transcribe', () => ({
      kind: 'publish',
      token,
    }));
    await turn();
    expect(await paths()).toEqual([]);
    expect((await record())?.purge?.state).toBe('done');
  });

  it('takes nothing of an episode whose state nobody can read, nor of a library that is away', async () => {
    const [bad] = [await transcribed(0), await transcribed(1)];
    await remove();
    world.library.offline = 'unmounted';
    await turn();
    world.library.offline = null;
    const all = await paths();
    world.damage(bad);
    await turn();
    expect(await paths()).toEqual(all.filter((path) => path.includes(bad.slice(0, 8))));
    expect((await record())?.purge?.state).toBe('wanted');
    expect(world.said).toContain('warn: a feed cannot be purged to its end yet');
  });

  it('lists all names ever less often for what cannot go, and takes what comes to it all the same', async () => {
    const bad = await transcribed(0);
    await remove();
    world.damage(bad);
    const { clock, library } = world;
    const loop = new PurgesByHand(world);
    const list = vi.spyOn(library, 'list');
    const anHour = async () => {
      for (let i = 0; i < 360; i += 1) {
        await loop.once(new AbortController().signal);
        await clock.advance(10_000);
      }
    };
    await anHour();
    expect(list.mock.calls.filter(([root]) => root === 'podcasts').length).toBeLessThan(20);
    await library.put(`episodes/alpha/${episodeOf(world.feed, 7)}/download/r9-9/x`, 'left');
    await anHour();
    expect((await paths()).some((path) => path.includes('r9-9'))).toBe(false);
  });

  it('takes nothing of what a newer version wrote over its mark, nor of what it alone knows', async () => {
    const id = await transcribed(0);
    await remove();
    await turnOnce();
    const unknown = episodeOf(world.feed, 7);
    const kept = [id, unknown].map((of) => `episodes/alpha/${of}/download/r9-9/audio.mp3`);
    for (const path of kept) await world.library.put(path, 'of a newer version');
    for (const of of [id, unknown]) world.damage(of);
    await turn();
    expect((await paths()).sort()).toEqual(kept.sort());
    expect((await record())?.purge?.state).toBe('wanted');
  });

  it('leaves the mark of no stage while another of the episode is worked on', async () => {
    const id = await transcribed(0);
    await world.request(id, 'anew');
    await world.assign(id);
    await remove();
    await turn();
    const { download, transcribe } = (await world.state(id)).stages;
    for (const { done: result } of [download, transcribe])
      expect(result).not.toHaveProperty('purged');
    expect((await paths()).filter((path) => path.startsWith('episodes/'))).toHaveLength(5);
  });

  it('ends with the trust of its leader, between two files', async () => {
    await transcribed(0);
    await remove();
    const removeFile = world.library.remove.bind(world.library);
    let removed = 0;
    world.library.remove = async (path) => {
      removed += 1;
      world.leads = false;
      return removeFile(path);
    };
    await turn();
    expect(removed).toBeLessThanOrEqual(16);
    expect((await paths()).some((path) => path.startsWith('episodes/'))).toBe(true);
    world.leads = true;
    expect((await record())?.purge?.state).toBe('wanted');
  });

  it('is not done by a turn that was cut off, wherever that was, though the trust came back', async () => {
    const id = await transcribed(0);
    await remove();
    await turnOnce();
    const mayWrite = world.store.mayWrite.bind(world.store);
    const leftovers = [
      `podcasts/Alpha/x [${id.slice(0, 8)}].mp3`,
      `episodes/alpha/${id}/download/r1-3/x`,
      `${world.staging(id, 3 as Token)}/x`,
      `${adoptedStagingFolder(world.store.cluster(), world.feed, id, 'download', 3 as Token)}/x`,
    ];
    let cuts = 0;
    for (const path of leftovers)
      for (let at = 1, asked = at; asked >= at; at += 1) {
        await world.library.put(path, 'left');
        asked = 0;
        world.store.mayWrite = () => {
          asked += 1;
          cuts += asked === at ? 1 : 0;
          return asked !== at && mayWrite();
        };
        await turnOnce();
        expect((await record())?.purge?.state).toBe('wanted');
      }
    expect(cuts).toBeGreaterThan(12);
    world.store.mayWrite = mayWrite;
    await turn();
    expect(await paths()).toEqual([]);
    expect((await record())?.purge?.state).toBe('done');
  });

  it('of the world before a restore is not carried on, and the feed can be added again', async () => {
    await transcribed(0);
    await remove();
    const { record: now, revision } = await world.store.readFeed(world.feed);
    if (now?.purge === undefined) throw new Error('it was not begun');
    const old = { ...now.purge, cluster: 'z'.repeat(16) as typeof CLUSTER };
    await world.store.casFeed({ ...now, purge: old }, revision);
    const before = await paths();
    await turn();
    expect(await paths()).toEqual(before);
    expect(await add()).toMatchObject([{ kind: 'restored' }]);
    expect(await record()).not.toHaveProperty('purge');
  });
});

describe('a feed that was purged', () => {
  it('says the truth of its episodes until they are done again, all of them', async () => {
    const id = await transcribed(0);
    const open = await world.episode(1);
    const snapshot = () => world.replica.snapshot;
    expect(isSearchable(snapshot(), world.feed, id)).toBe(true);
    await remove();
    expect(await add()).toMatchObject([
      { kind: 'refused', problem: expect.stringContaining('is being purged') },
    ]);
    await turn();
    expect(await add()).toMatchObject([{ kind: 'restored', purged: true }]);
    expect(await record()).toMatchObject({ removed: false, nextPollMs: 0, etag: null });
    expect(await record()).not.toHaveProperty('purge');
    expect(row().tally).toMatchObject({
      episodes: 2,
      done: { download: 0, transcribe: 0 },
      remaining: { download: 2, transcribe: 2 },
    });
    expect([...row().ready.download].sort()).toEqual([id, open].sort());
    expect(row().ready.transcribe.size).toBe(0);
    expect(isSearchable(snapshot(), world.feed, id)).toBe(false);
    expect(isMissing(await world.state(id))).toBe(true);
    expect(completenessOf(row())).toMatchObject({ wanted: 2, downloaded: 0, transcribed: 0 });
    expect(await checked()).toMatchObject({ checked: 0, damaged: 0, missing: 0, unknown: 0 });
    await views.show(world.feed, id, 'download');
    expect(await paths()).toEqual([]);
    await transcribed(0, 'other words');
    expect((await world.state(id)).stages.transcribe.done).toMatchObject({ run: 2 });
    expect(row().tally.done).toMatchObject({ download: 1, transcribe: 1 });
    expect(await checked()).toMatchObject({ checked: 2, damaged: 0, missing: 0, unknown: 0 });
    await turn();
    expect((await paths()).filter((path) => path.startsWith('podcasts/'))).toHaveLength(3);
  });

  it('can be purged again', async () => {
    await transcribed(0);
    for (const purge of [1, 2]) {
      await remove();
      await turn();
      expect(await paths()).toEqual([]);
      await add();
      const id = await transcribed(0, `words of ${purge}`);
      expect((await world.state(id)).stages.transcribe.done?.run).toBe(purge + 1);
    }
  });
});

async function checked() {
  const { library, clock, replica } = world;
  const of = { library, clock, snapshot: () => replica.snapshot, repeat: async () => 0 };
  const request = { quick: false, repair: false, force: false };
  let last: unknown = null;
  for await (const news of new LibraryCheck(of, request, new AbortController().signal).run())
    last = news;
  return last;
}
