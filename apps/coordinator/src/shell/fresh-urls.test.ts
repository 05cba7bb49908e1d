import type { FeedItem } from '@podctl/domain/feed/feed-document.ts';
import type { EpisodeId, FeedId } from '@podctl/domain/ids.ts';
import { beforeEach, expect, test } from 'vitest';
import { FreshUrls } from './fresh-urls.ts';

const feed = 'alpha' as FeedId;
const [a, b] = ['a', 'b'] as [EpisodeId, EpisodeId];
let nowMs = 0;
let asked: FeedId[] = [];
let urls: FreshUrls;
beforeEach(() => {
  nowMs = 1_000_000;
  asked = [];
  urls = new FreshUrls({
    clock: { monotonicMs: () => nowMs },
    readAgain: (one) => void asked.push(one),
  });
});
const listing = (url: string) => new Map([[a, { enclosureUrl: url } as FeedItem]]);

test('a job waits while its feed is read once, and gets the URL that was read', () => {
  expect([urls.urlOf(feed, a), urls.urlOf(feed, a)]).toEqual([{ kind: 'wait' }, { kind: 'wait' }]);
  expect(asked).toEqual([feed]);
  urls.note(feed, listing('https://x.test/a?sig=1'));
  expect(urls.urlOf(feed, a)).toEqual({ kind: 'fresh', url: 'https://x.test/a?sig=1' });
  // Not listed: the one that is known may still do.
  expect(urls.urlOf(feed, b)).toEqual({ kind: 'none' });
  nowMs += 11 * 60_000;
  expect(urls.urlOf(feed, a)).toEqual({ kind: 'wait' });
  expect(asked).toHaveLength(2);
});

test('a feed that does not answer holds no job for long, and is asked again later', () => {
  urls.urlOf(feed, a);
  nowMs += 46_000;
  expect(urls.urlOf(feed, a)).toEqual({ kind: 'none' });
  expect(asked).toHaveLength(1);
  nowMs += 10 * 60_000;
  expect(urls.urlOf(feed, a)).toEqual({ kind: 'wait' });
  expect(asked).toHaveLength(2);
});

test('of as many feeds as are downloaded from at once the URLs are kept', () => {
  for (let n = 0; n < 100; n += 1) urls.note(`f${n}` as FeedId, listing(`https://x.test/${n}`));
  for (let n = 0; n < 100; n += 1)
    expect(urls.urlOf(`f${n}` as FeedId, a)).toEqual({ kind: 'fresh', url: `https://x.test/${n}` });
});

test('of large feeds the newest are kept, and what expired is let go', () => {
  const item = { enclosureUrl: 'https://x.test/' } as FeedItem;
  const large = new Map(Array.from({ length: 90_000 }, (_, n) => [`${n}` as EpisodeId, item]));
  const names = ['f0', 'f1', 'f2'] as FeedId[];
  for (const name of names) urls.note(name, large);
  expect(names.map((name) => urls.isWanted(name))).toEqual([false, true, true]);
  nowMs += 11 * 60_000;
  urls.note(feed, listing('https://x.test/a'));
  expect(names.map((name) => urls.isWanted(name))).toEqual([false, false, false]);
});
