import { createHash } from 'node:crypto';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { type EpisodeId, episodeIdFrom, type FeedId, feedId } from '../ids.ts';
import type { FeedDocument, FeedItem } from './feed-document.ts';
import { foldListing } from './ledger.ts';

const sha256 = (text: string) => createHash('sha256').update(text).digest();
const idOf = (text: string): FeedId => {
  const id = feedId(text);
  if (!id.ok) throw new Error(id.error);
  return id.value;
};
const FEED = idOf('show');

const item = (key: string): FeedItem => ({
  key,
  guid: key,
  title: 'same title',
  publishedMs: null,
  enclosureUrl: `https://x.test/${encodeURIComponent(key)}.mp3`,
  enclosureType: null,
  lengthBytes: null,
  durationSecondsEstimate: null,
  season: null,
  episodeNumber: null,
  episodeType: 'full',
});
const document = (keys: readonly string[]): FeedDocument => ({
  title: '',
  items: keys.map(item),
  itemsSeen: keys.length,
  problems: [],
  nextPageUrl: null,
  selfUrl: null,
  newFeedUrl: null,
});

test('an episode id comes from the feed id and the key, so that two pollers make one', () => {
  const { fresh } = foldListing(() => false, document(['g-1']), FEED, sha256);
  expect(fresh[0]?.episode).toBe(episodeIdFrom(sha256('show\ng-1')));
  const other = foldListing(() => false, document(['g-1']), idOf('other'), sha256);
  expect(other.fresh[0]?.episode).not.toBe(fresh[0]?.episode);
});

test('whatever the listings, every key ever listed is known, and each is fresh exactly once', () => {
  const keys = fc.array(fc.array(fc.string({ maxLength: 3 }), { maxLength: 8 }), { maxLength: 6 });
  fc.assert(
    fc.property(keys, (listings) => {
      const known = new Set<EpisodeId>();
      for (const listing of listings) {
        const folded = foldListing((id) => known.has(id), document(listing), FEED, sha256);
        expect(folded.listed.size).toBe(new Set(listing).size);
        for (const { episode } of folded.fresh) {
          expect(known.has(episode)).toBe(false);
          known.add(episode);
        }
      }
      expect(known.size).toBe(new Set(listings.flat()).size);
    }),
  );
});
