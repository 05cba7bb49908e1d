import { afterEach, beforeEach, expect, test } from 'vitest';
import { CoordinatorWorld, rss } from '../../../../test/support/coordinator-world.ts';
import { POLL_QUEUE_LIMITS } from '../core/poll-queue.ts';

let world: CoordinatorWorld;
beforeEach(async () => {
  world = await CoordinatorWorld.start();
});
afterEach(() => world.stop());

test('feeds that come without titles are asked for them, never more at once of a host than are polled', async () => {
  const { perHostMax } = POLL_QUEUE_LIMITS;
  const paths = Array.from({ length: 3 * perHostMax }, (_, n) => `/feed-${n}`);
  let atOnce = 0;
  let waiting: (() => void)[] = [];
  const release = async () => {
    // Whoever asks for more than there are places for has done so after some turns.
    for (let turn = 0; turn < 30; turn += 1) await new Promise((resolve) => setImmediate(resolve));
    atOnce = Math.max(atOnce, waiting.length);
    for (const resolve of waiting.splice(0)) resolve();
  };
  const answer = () =>
    new Promise<void>((resolve) => {
      waiting = [...waiting, resolve];
      if (waiting.length === perHostMax) void release();
    });
  for (const [n, path] of paths.entries()) {
    const served = { status: 200, body: rss(`show ${n}`, 1) };
    world.feeds.set(path, Object.defineProperty(served, 'held', { get: answer }));
  }
  const feeds = paths.map((path) => ({
    url: world.url(path),
    title: null,
    bookScore: null,
    id: null,
  }));
  const added = await world.coordinator.orders.tryFeeds(feeds);
  expect(atOnce).toBe(perHostMax);
  expect(new Set(world.requests.map(({ path }) => path))).toEqual(new Set(paths));
  expect(added.map((one) => (one.kind === 'added' ? one.feed : one.kind)).slice(0, 2)).toEqual([
    'the-show-0-show',
    'the-show-1-show',
  ]);
});
