import type { EpisodeId, Epoch, Token } from '@podctl/domain/ids.ts';
import { ORDER_SUBJECT } from '@podctl/domain/key.ts';
import type { FeedToAdd } from '@podctl/domain/order.ts';
import type { CommandMessage } from '@podctl/domain/protocol.ts';
import { commandMessage } from '@podctl/platform/wire.ts';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { LeaderWorld } from '../../../../test/support/leader-world.ts';
import { FeedRegistry } from './feed-registry.ts';
import { OrderDesk, passOn } from './order-desk.ts';
import { OrderFailed } from './order-failed.ts';

let world: LeaderWorld;
let desk: OrderDesk;
let kicks: number;
/** Another coordinator, which does not lead. */
let follower: LeaderWorld['client']['bus'];

beforeEach(async () => {
  world = await LeaderWorld.start();
  kicks = 0;
  const { client, log, replica, store, clock } = world;
  const registry = new FeedRegistry({ clock, store, replica, titleOf: async () => null });
  const feedsAdded = () => {
    kicks += 1;
  };
  const of = { bus: client.bus, log, registry, replica, feedsAdded, epoch: 1 as Epoch };
  desk = new OrderDesk({ ...world.settle, ...of });
  await desk.start();
  follower = world.nats.client('follower').bus;
});
afterEach(async () => {
  await desk.stop();
  world.stop();
});

const lockOf = async (episode: EpisodeId) => (await world.state(episode)).stages.download.lock;
const named = (episode: EpisodeId, token: Token) => ({
  kind: 'release_lock' as const,
  lock: { feed: world.feed, episode, stage: 'download' as const, token },
});
const feed = (url: string): FeedToAdd => ({ url, title: 'A show', bookScore: 4, id: null });

describe('an order passed on by a coordinator that does not lead', () => {
  it('adds feeds as if the leader had been asked, and wakes the poller', async () => {
    const order = { kind: 'add_feeds', feeds: [feed('http://127.0.0.1/a.xml'), feed('nonsense')] };
    const done = await passOn(follower, order as never);
    expect(done).toMatchObject({
      kind: 'add_feeds',
      added: [{ kind: 'added', feed: 'a-show' }, { kind: 'refused' }],
    });
    expect(world.replica.snapshot.feeds.get('a-show' as never)?.record?.bookScore).toBe(4);
    expect(kicks).toBe(1);
    expect(await passOn(follower, order as never)).toMatchObject({
      added: [{ kind: 'known', feed: 'a-show' }, { kind: 'refused' }],
    });
  });

  it('adds a feed paused where that is asked for, and lets one that comes back begin where it is not', async () => {
    const paused = { ...feed('http://127.0.0.1/a.xml'), paused: true };
    const isPaused = () =>
      world.replica.snapshot.feeds.get('a-show' as never)?.record?.choices?.paused;
    await passOn(follower, { kind: 'add_feeds', feeds: [paused] });
    expect(isPaused()).toBe(true);
    const { record, revision } = await world.store.readFeed('a-show' as never);
    if (record === null) throw new Error('no feed');
    await world.store.casFeed({ ...record, removed: true }, revision);
    const back = await passOn(follower, { kind: 'add_feeds', feeds: [feed(paused.url)] });
    expect(back).toMatchObject({ added: [{ kind: 'restored' }] });
    expect(isPaused()).toBe(false);
  });

  it('adds one URL once, also when it is asked twice at the same time, and by a URL that it had before', async () => {
    const url = 'http://127.0.0.1/a.xml';
    const order = { kind: 'add_feeds', feeds: [feed(url)] } as const;
    const twice = await Promise.all([passOn(follower, order), passOn(follower, order)]);
    const kinds = twice.flatMap((done) =>
      done.kind === 'add_feeds' ? done.added.map(({ kind }) => kind) : [],
    );
    expect(kinds.sort()).toEqual(['added', 'known']);
    const { record, revision } = await world.store.readFeed('a-show' as never);
    if (record === null) throw new Error('no feed');
    const moved = { ...record, url: 'http://127.0.0.1/new.xml', formerUrls: [url] };
    await world.store.casFeed(moved, revision);
    expect(await passOn(follower, order)).toMatchObject({
      added: [{ kind: 'known', feed: 'a-show' }],
    });
    expect(world.replica.snapshot.feeds.size).toBe(1);
  });

  it('takes an agent out and in again, and says whether that changed anything', async () => {
    const wish = { kind: 'cordon', reason: 'new disk', by: 'ada' } as const;
    const order = { kind: 'set_cordon', agent: world.agent, wish } as const;
    const cordon = { kind: 'cordoned', reason: 'new disk', by: 'ada' };
    expect(await passOn(follower, order)).toMatchObject({ set: { cordon, changed: true } });
    expect(await passOn(follower, order)).toMatchObject({ set: { cordon, changed: false } });
    expect(world.replica.snapshot.cordons.get(world.agent)?.record).toMatchObject(cordon);
    const open = { ...order, wish: { kind: 'uncordon', by: 'bob' } } as const;
    expect(await passOn(follower, open)).toMatchObject({ set: { changed: true } });
    expect(await passOn(follower, open)).toMatchObject({ set: { changed: false } });
  });

  it('says of a cordon that could not be written that it may be ordered again', async () => {
    world.leads = false;
    const wish = { kind: 'drain', reason: '', by: '', deadlineInMs: 5 } as const;
    const order = { kind: 'set_cordon', agent: world.agent, wish } as const;
    await expect(passOn(follower, order)).rejects.toBeInstanceOf(OrderFailed);
    expect((await world.store.readCordon(world.agent)).record).toBeNull();
  });

  it('is nobody’s when nobody leads', async () => {
    await desk.stop();
    const order = { kind: 'add_feeds', feeds: [] } as const;
    await expect(passOn(follower, order)).rejects.toMatchObject({ code: 'nobody' });
  });

  it('says why the leader failed', async () => {
    const episode = await world.episode();
    const token = await world.assign(episode);
    world.leads = false;
    await expect(passOn(follower, named(episode, token))).rejects.toThrow(OrderFailed);
    await expect(passOn(follower, named(episode, token))).rejects.toThrow('does not lead');
  });

  it('fails as a whole when a feed may not have been written: a refusal would be taken for its last word', async () => {
    world.leads = false;
    const order = { kind: 'add_feeds', feeds: [feed('http://127.0.0.1/a.xml')] } as const;
    await expect(passOn(follower, order)).rejects.toThrow('could not be written');
  });

  it('is refused with a reason when it cannot be read', async () => {
    const answer = await follower.request(ORDER_SUBJECT, new TextEncoder().encode('{"kind":"x"}'), {
      timeoutMs: 1_000,
    });
    expect(new TextDecoder().decode(answer)).toContain('"failed"');
  });
});

describe('releasing a lock', () => {
  it('takes it from its holder without counting a failure or a loss', async () => {
    const episode = await world.episode();
    const token = await world.assign(episode);
    expect(await passOn(follower, named(episode, token))).toMatchObject({
      released: { kind: 'released' },
    });
    expect(await lockOf(episode)).toMatchObject({
      state: 'free',
      failures: 0,
      lostBy: [],
      notBeforeMs: 0,
      reason: 'released by an operator',
    });
  });

  it('takes nothing from who got it since', async () => {
    const episode = await world.episode();
    const token = await world.assign(episode);
    await desk.carryOut(named(episode, token));
    const next = await world.assign(episode);
    expect(await desk.carryOut(named(episode, token))).toEqual({
      kind: 'release_lock',
      released: { kind: 'not_held' },
    });
    expect(await lockOf(episode)).toMatchObject({ state: 'held', token: next });
  });

  it('leaves an accepted result alone', async () => {
    const episode = await world.episode();
    const token = await world.committed(episode, { 'audio.mp3': 'sound' });
    expect(await desk.carryOut(named(episode, token))).toMatchObject({
      released: { kind: 'committed' },
    });
    expect(await lockOf(episode)).toMatchObject({ state: 'committed', token });
  });
});

describe('canceling a job', () => {
  const cancel = (episode: EpisodeId, token: Token) => ({
    kind: 'cancel_job' as const,
    job: { feed: world.feed, episode, stage: 'download' as const, token },
    by: 'ann',
  });

  it('gives it up in the name of who asked, counts nothing, and tells the agent at once', async () => {
    const episode = await world.episode();
    const token = await world.assign(episode);
    const told: CommandMessage[] = [];
    world.nats.client('agent').bus.subscribe('cmd.a1', ({ data }) => {
      const command = commandMessage.decode(data);
      if (command.ok) told.push(command.value);
    });
    expect(await passOn(follower, cancel(episode, token))).toMatchObject({
      kind: 'cancel_job',
      canceled: { kind: 'released' },
    });
    expect(await lockOf(episode)).toMatchObject({
      ...{ state: 'dead', run: 1, failures: 0, lostBy: [], reason: 'canceled by ann' },
    });
    expect(told).toMatchObject([{ kind: 'cancel', job: { episode, run: 1, token } }]);
    const { revision } = await world.store.readEpisode(world.feed, episode);
    // Twice is the same as once, also for a coordinator that has not seen it.
    expect(await desk.carryOut(cancel(episode, token))).toMatchObject({
      canceled: { kind: 'released', revision },
    });
    expect(told).toHaveLength(1);
  });

  it('is done again once somebody asks for it', async () => {
    const episode = await world.episode();
    await desk.carryOut(cancel(episode, await world.assign(episode)));
    await world.store.moveEpisode(world.feed, episode, 'download', () => ({
      kind: 'request',
      request: 'again',
    }));
    expect(await lockOf(episode)).toMatchObject({ state: 'free', failures: 0, reason: null });
  });

  it('takes nothing from who got it since, and leaves an accepted result alone', async () => {
    const [one, two] = [await world.episode(1), await world.episode(2)];
    const token = await world.assign(one);
    await desk.carryOut(named(one, token));
    const next = await world.assign(one);
    expect(await desk.carryOut(cancel(one, token))).toMatchObject({
      canceled: { kind: 'not_held' },
    });
    expect(await lockOf(one)).toMatchObject({ state: 'held', token: next });
    const committed = await world.committed(two, { 'audio.mp3': 'sound' });
    expect(await desk.carryOut(cancel(two, committed))).toMatchObject({
      canceled: { kind: 'committed' },
    });
  });
});

describe('repeating a run', () => {
  const repeat = (episode: EpisodeId, request: string, run = 1) =>
    desk.carryOut({
      kind: 'repeat_runs',
      request,
      runs: [{ feed: world.feed, episode, stage: 'download', run }],
    });
  const wanted = async (episode: EpisodeId) => (await world.state(episode)).stages.download.wanted;

  it('asks for one more run of what is done, once, however often it is ordered', async () => {
    const episode = await world.episode();
    const token = await world.committed(episode, { 'audio.mp3': 'sound' });
    await world.store.moveEpisode(world.feed, episode, 'download', () => ({
      kind: 'publish',
      token,
    }));
    expect(await repeat(episode, 'a')).toMatchObject({ requested: 1 });
    expect(await repeat(episode, 'a')).toMatchObject({ requested: 0 });
    expect(await repeat(episode, 'b')).toMatchObject({ requested: 0 });
    expect(await wanted(episode)).toBe(2);
  });

  it('asks for nothing where the run is not done, or is not the newest', async () => {
    const episode = await world.episode();
    expect(await repeat(episode, 'a')).toMatchObject({ requested: 0 });
    await world.assign(episode);
    expect(await repeat(episode, 'a')).toMatchObject({ requested: 0 });
    expect(await wanted(episode)).toBe(1);
  });
});
