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

test('of a few feeds the URLs are kept, the newest ones', () => {
  for (let n = 0; n < 9; n += 1) urls.note(`f${n}` as FeedId, listing(`https://x.test/${n}`));
  expect(urls.isWanted('f0' as FeedId)).toBe(false);
  expect(urls.urlOf('f8' as FeedId, a)).toMatchObject({ kind: 'fresh' });
});
