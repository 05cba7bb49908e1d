import type { FeedId } from '@podctl/domain/ids.ts';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { CoordinatorWorld, rss } from '../../../../test/support/coordinator-world.ts';
import { feedView } from '../core/view.ts';

let world: CoordinatorWorld;
beforeEach(async () => {
  const hourMs = 3_600_000;
  world = await CoordinatorWorld.start({
    poll: { pollEveryMs: hourMs, backoffFirstMs: hourMs, backoffMaxMs: hourMs, failingAfter: 2 },
    view: { stalledAfterMs: hourMs, staleAfterMs: hourMs, failingAfter: 2 },
  });
});
afterEach(() => world.stop());

const row = (id: string) => world.coordinator.picture().snapshot.feeds.get(id as FeedId);
const record = (id: string) => row(id)?.record;
function stateOf(id: string) {
  const found = row(id);
  return found === undefined ? null : feedView(world.coordinator.picture(), found).state;
}
const polls = (path: string) => world.requests.filter((request) => request.path === path).length;
const change = (id: string, what: object) =>
  world.coordinator.orders.changeFeed(id as FeedId, what);
const came = (id: string) => record(id)?.polling?.came;

async function add(id: string, path = `/${id}`): Promise<void> {
  const feed = { url: world.url(path), title: null, bookScore: null, id };
  await world.coordinator.orders.addFeeds([feed]);
}

/** Its poll is over, too. */
async function read(id: string, episodes: number): Promise<void> {
  await world.addFeed(id, episodes);
  await world.until(() => came(id) === 'new');
}

describe('a feed that moved', () => {
  it('keeps its new address, and is asked there', async () => {
    world.feeds.set('/old', { status: 301, body: '', headers: { location: '/new' } });
    world.feeds.set('/new', { status: 200, body: rss('a', 1) });
    await add('a', '/old');
    await world.until(() => record('a')?.url === world.url('/new'));
    expect(record('a')?.formerUrls).toEqual([world.url('/old')]);
  });

  it('to where another feed is stays where it was, and says which one', async () => {
    await read('b', 1);
    world.feeds.set('/a', { status: 301, body: '', headers: { location: '/b' } });
    await add('a');
    await world.until(() => came('a') !== undefined);
    expect(record('a')).toMatchObject({
      ...{ url: world.url('/a'), listed: 1, failures: 0 },
      problem: 'it moved to where feed b is, so both list the same: remove one of them',
    });
  });

  const moving = (to: string) =>
    rss('a', 1).replace(
      '<item>',
      `<itunes:new-feed-url>${world.url(to)}</itunes:new-feed-url><item>`,
    );

  it('by its own word is read at the new address before that is believed', async () => {
    world.feeds.set('/a', { status: 200, body: moving('/new') });
    world.feeds.set('/new', { status: 200, body: rss('a', 3), etag: '"new"' });
    await add('a');
    await world.until(() => record('a')?.url === world.url('/new'));
    expect(record('a')).toMatchObject({ etag: '"new"', listed: 3, formerUrls: [world.url('/a')] });
    expect(world.episodes('a')).toHaveLength(3);
  });

  it('by its own word to where no feed is stays, and loses nothing', async () => {
    world.feeds.set('/a', { status: 200, body: moving('/nowhere') });
    await add('a');
    await world.until(() => came('a') !== undefined);
    expect(record('a')).toMatchObject({ url: world.url('/a'), listed: 1, failures: 0 });
    expect(record('a')?.problem).toContain('it says that it moved, but it could not be read there');
  });
});

describe('a feed that is gone', () => {
  it('is shown so and asked no more, keeps its episodes, and comes back when somebody asks', async () => {
    await read('a', 2);
    world.feeds.set('/a', { status: 410, body: '' });
    await change('a', { pollNow: true });
    await world.until(() => stateOf('a') === 'gone');
    expect(world.episodes('a')).toHaveLength(2);
    expect(record('a')?.nextPollMs ?? 0).toBeGreaterThan(Date.now() + 1e12);
    world.feeds.set('/a', { status: 200, body: rss('a', 3) });
    await change('a', { pollNow: true });
    await world.until(() => came('a') === 'new');
    expect(stateOf('a')).toBe('active');
    expect(record('a')?.polling).toMatchObject({ fresh: 1 });
  });
});

describe('polling', () => {
  it('of many feeds is not held up by a host that does not answer', async () => {
    const host = Promise.withResolvers<void>();
    world.feeds.set('/slow', { status: 200, body: rss('slow', 1), held: host.promise });
    await add('slow');
    await world.until(() => true);
    await Promise.all(['b', 'c', 'd'].map((id) => world.addFeed(id, 1)));
    expect(came('slow')).toBeUndefined();
    host.resolve();
    await world.until(() => came('slow') === 'new');
  });

  it('keeps what somebody chose while the feed was read', async () => {
    const [asked, host] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
    await read('a', 1);
    world.feeds.set('/a', {
      ...{ status: 503, body: '' },
      get held() {
        asked.resolve();
        return host.promise;
      },
    });
    await change('a', { pollNow: true });
    await asked.promise;
    await change('a', { paused: true });
    host.resolve();
    await world.until(() => (record('a')?.failures ?? 0) > 0);
    expect(record('a')).toMatchObject({ failures: 1, choices: { paused: true } });
    expect(polls('/a')).toBe(2);
  });

  it('leaves the other feeds of a host alone that says that it is asked too often', async () => {
    world.feeds.set('/a', { status: 429, body: '', headers: { 'retry-after': '600' } });
    await add('a');
    await world.until(() => came('a') === 'failed');
    expect(record('a')?.polling?.why).toBe('the last poll failed');
    world.feeds.set('/b', { status: 200, body: rss('b', 1) });
    await add('b');
    await change('b', { paused: true });
    expect(polls('/b')).toBe(0);
  });
});

describe('a download whose address does not work any more', () => {
  it('has its feed read again, all of it and once, and is tried again though the host says that it is gone', async () => {
    world.feeds.set('/a', { status: 200, body: rss('a', 2), etag: '"1"' });
    await add('a');
    await world.until(() => world.episodes('a').length === 2);
    await world.until(() => record('a')?.etag === '"1"');
    const agent = world.agent('a1');
    await agent.hello();
    agent.heartbeat();
    const gone = { kind: 'failed', code: 'http_410', reason: 'gone', retryAfterMs: null } as const;
    for (const _ of [1, 2]) {
      const { job } = await agent.nextStart('download');
      await agent.verdict(job, { ...gone, final: true, returned: false });
    }
    await world.until(() => polls('/a') === 2);
    expect(world.requests.at(-1)).toEqual({ path: '/a', etag: undefined });
    for (const episode of world.episodes('a'))
      expect(episode.state.stages.download).toMatchObject({ lock: { failures: 1 } });
    const { job } = await agent.nextStart('download');
    await agent.verdict(job, { ...gone, final: true, returned: false });
    const dead = () =>
      world.episodes('a').filter(({ state }) => state.stages.download.lock.state === 'dead');
    await world.until(() => dead().length === 1);
    expect(polls('/a')).toBe(2);
  });
});
