import type { FeedId } from '@podctl/domain/ids.ts';
import { ManualClock } from '@podctl/platform/twin/manual-clock.ts';
import { expect, test } from 'vitest';
import { HandBuiltFleet } from '../../../../test/support/hand-built-fleet.ts';
import { ChangedFeeds } from './changed-feeds.ts';
import { wantedFeeds } from './snapshot.ts';
import { feedState } from './view.ts';

function world(count: number) {
  const clock = new ManualClock();
  const fleet = new HandBuiltFleet(clock, {} as never);
  const ids = Array.from({ length: count }, (_, i) => `feed-${i}` as FeedId);
  for (const id of ids) fleet.feed(id);
  const changed = new ChangedFeeds();
  /** Which feeds are to be looked at, after so long. */
  const look = async (ms: number) => {
    await clock.advance(ms);
    const picture = fleet.picture();
    const rows = wantedFeeds(fleet.snapshot);
    const states = rows.map((row) => feedState(picture, row));
    return changed.look(rows, states, clock.monotonicMs()).map(({ id }) => id);
  };
  return { fleet, ids, look };
}

test('all feeds are looked at first, then those that a fold touched, its episodes included', async () => {
  const { fleet, ids, look } = world(3);
  expect(await look(0)).toEqual(ids);
  expect(await look(0)).toEqual([]);
  fleet.feed('feed-1' as FeedId, { title: 'new' });
  expect(await look(0)).toEqual(['feed-1']);
  fleet.episode('feed-2' as FeedId, 1);
  expect(await look(0)).toEqual(['feed-2']);
});

test('in five seconds each feed is looked at, and few of them at once', async () => {
  const { ids, look } = world(1_000);
  await look(0);
  const seen: FeedId[] = [];
  for (let ms = 0; ms < 5_000; ms += 100) {
    const some = await look(100);
    expect(some.length).toBe(20);
    seen.push(...some);
  }
  expect(seen.sort()).toEqual(ids.sort());
});

test('a feed is looked at as soon as time alone made it stalled', async () => {
  const { fleet, look } = world(1_000);
  fleet.episode('feed-999' as FeedId, 1);
  await look(0);
  await look(599_980);
  expect((await look(10)).includes('feed-999' as FeedId)).toBe(false);
  expect(await look(10)).toContain('feed-999');
});

test('a feed that was removed and came back is looked at', async () => {
  const { fleet, look } = world(3);
  const feed = 'feed-1' as FeedId;
  await look(0);
  fleet.feed(feed, { removed: true });
  expect(await look(0)).toEqual([]);
  fleet.feed(feed);
  expect(await look(0)).toEqual([feed]);
});
