import { afterEach, beforeEach, expect, it } from 'vitest';
import { LeaderWorld } from '../../../../test/support/leader-world.ts';
import { changeFeedRecord } from './feed-changing.ts';
import { FeedRegistry } from './feed-registry.ts';
import { RemovedFeeds } from './removed-feeds.ts';

let world: LeaderWorld;
let registry: FeedRegistry;
const url = 'https://pods.example/alpha.xml';

beforeEach(async () => {
  world = await LeaderWorld.start();
  const { clock, store, replica } = world;
  registry = new FeedRegistry({ clock, store, replica, titleOf: async () => null });
  await add();
});
afterEach(() => world.stop());

const add = (of: { id?: string | null; url?: string; priority?: number } = {}) =>
  registry.add([{ url, title: null, bookScore: null, id: 'alpha', ...of }]);
const remove = (dryRun = false) =>
  changeFeedRecord(world, {
    kind: 'change_feed',
    feed: world.feed,
    change: { remove: true },
    dryRun,
  });
const record = async () => (await world.store.readFeed(world.feed)).record;

/** Runs one turn. */
async function turn(): Promise<void> {
  const loop = new RemovedFeeds({ ...world.settle, replica: world.replica, log: world.log });
  await loop.start();
  await loop.stop();
}

it('a removed feed gives its jobs back, and nothing is counted against them', async () => {
  const episode = await world.episode();
  await world.assign(episode);
  await turn();
  expect((await world.state(episode)).stages.download.lock.state).toBe('held');
  expect(await remove()).toMatchObject({ kind: 'changed', fields: ['removed'] });
  await turn();
  expect((await world.state(episode)).stages.download.lock).toMatchObject({
    state: 'free',
    failures: 0,
    lostBy: [],
    reason: 'its feed was removed',
  });
});

it('what is finished already is accepted', async () => {
  const episode = await world.episode();
  const token = await world.assign(episode);
  await world.finish(episode, token, { 'audio.mp3': 'sound' });
  await remove();
  await turn();
  expect((await world.state(episode)).stages.download.lock).toMatchObject({
    state: 'committed',
    token,
  });
});

it('one attempt whose files or value cannot be looked at keeps no other', async () => {
  const [bad, damaged, good] = [
    await world.episode(),
    await world.episode(1),
    await world.episode(2),
  ];
  const token = await world.assign(bad);
  await world.finish(bad, token, { 'audio.mp3': 'sound' });
  world.library.unreadable.add(`${world.staging(bad, token)}/audio.mp3`);
  for (const episode of [damaged, good]) await world.assign(episode);
  world.damage(damaged);
  await remove();
  await turn();
  expect((await world.state(good)).stages.download.lock.state).toBe('free');
  expect((await world.state(bad)).stages.download.lock.state).toBe('held');
  expect(world.said).not.toContain('warn: a turn of a loop failed');
});

it('no job is taken back once its feed is there again', async () => {
  const episodes = [];
  for (let n = 0; n < 20; n += 1) episodes.push(await world.episode(n));
  for (const episode of episodes) await world.assign(episode);
  await remove();
  const check = world.library.check.bind(world.library);
  let isBack: Promise<unknown> | null = null;
  world.library.check = async () => {
    isBack ??= add();
    await isBack;
    return check();
  };
  await turn();
  const states = await Promise.all(episodes.map((episode) => world.state(episode)));
  expect(states.filter(({ stages }) => stages.download.lock.state === 'held')).toHaveLength(4);
});

it('is removed once, and cannot be changed until it is back', async () => {
  await remove();
  expect(await remove()).toMatchObject({ kind: 'changed', fields: [] });
  const change = { paused: true };
  const order = { kind: 'change_feed', feed: world.feed, change, dryRun: false } as const;
  expect(await changeFeedRecord(world, order)).toEqual({ kind: 'unknown' });
});

it('comes back under its id by its URL or its id, is read at once, and is not paused', async () => {
  const pause = { kind: 'change_feed', feed: world.feed, dryRun: false } as const;
  for (const again of [{ id: null }, { url: 'https://pods.example/new.xml' }]) {
    await changeFeedRecord(world, { ...pause, change: { paused: true, priority: 2 } });
    await remove();
    expect(await add(again)).toMatchObject([{ kind: 'restored', feed: 'alpha' }]);
    expect(await record()).toMatchObject({
      removed: false,
      nextPollMs: 0,
      choices: { paused: false, priority: 2 },
    });
  }
  expect(await add()).toMatchObject([{ kind: 'known' }]);
});

it('a dry run says what would be, and writes nothing', async () => {
  const { revision } = world.replica.snapshot;
  expect(await remove(true)).toMatchObject({ kind: 'changed', fields: ['removed'] });
  const some = ['b', 'b', 'c'].map((path) => ({
    ...{ url: `https://pods.example/${path}`, title: 'Beta', bookScore: null, id: null },
  }));
  const known = { url, title: null, bookScore: null, id: null };
  const planned = await registry.add([...some, known], true);
  expect(planned.map((one) => [one.kind, 'feed' in one && one.feed])).toEqual([
    ['added', 'beta'],
    ['known', 'beta'],
    ['added', 'beta-2'],
    ['known', 'alpha'],
  ]);
  expect(world.replica.snapshot.revision).toBe(revision);
});
