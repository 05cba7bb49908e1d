import type { FeedId } from '@podctl/domain/ids.ts';
import { byStage } from '@podctl/domain/stage.ts';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  compareForDownload,
  compareForTranscribe,
  type RankedFeed,
  transcribersMax,
} from './rank.ts';

const feed = (id: string, download: number, transcribe: number, bookScore = 3): RankedFeed => ({
  feed: id as FeedId,
  priority: 0,
  bookScore,
  remaining: { ...byStage(() => 0), download, transcribe },
});
const order = (feeds: RankedFeed[], compare: (a: RankedFeed, b: RankedFeed) => number) =>
  feeds.toSorted(compare).map((row) => row.feed);

const rows = fc.uniqueArray(
  fc.record({
    feed: fc.constantFrom(...'abcdefgh').map((id) => id as FeedId),
    priority: fc.integer({ min: -1, max: 1 }),
    bookScore: fc.integer({ min: 1, max: 3 }),
    remaining: fc.record(byStage(() => fc.nat(2))),
  }),
  { selector: (row) => row.feed },
);

describe('downloads', () => {
  it('go to the feed with fewest remaining first, then to the higher book score', () => {
    const feeds = [feed('a', 9, 0, 10), feed('b', 2, 50, 1), feed('c', 2, 0, 8), feed('d', 5, 0)];
    expect(order(feeds, compareForDownload)).toEqual(['c', 'b', 'd', 'a']);
  });
});

describe('transcription', () => {
  it('goes to the feed with most remaining first', () => {
    const feeds = [feed('a', 0, 3, 10), feed('b', 99, 40, 1), feed('c', 0, 12)];
    expect(order(feeds, compareForTranscribe)).toEqual(['b', 'c', 'a']);
  });

  it('with as many remaining, goes to feeds whose downloads are complete, whatever their book score', () => {
    expect(order([feed('a', 1, 7, 10), feed('b', 0, 7, 1)], compareForTranscribe)).toEqual([
      'b',
      'a',
    ]);
  });

  it('with both equal, goes to the higher book score; how many downloads are left does not matter', () => {
    const feeds = [feed('a', 1, 7, 4), feed('b', 5, 7, 9), feed('c', 0, 7, 2), feed('d', 0, 7, 5)];
    expect(order(feeds, compareForTranscribe)).toEqual(['d', 'c', 'b', 'a']);
  });
});

describe('either order', () => {
  it('is one order, whatever order the feeds came in', () => {
    for (const compare of [compareForDownload, compareForTranscribe])
      fc.assert(
        fc.property(
          rows.chain((feeds) =>
            fc.tuple(
              fc.constant(feeds),
              fc.shuffledSubarray(feeds, { minLength: feeds.length, maxLength: feeds.length }),
            ),
          ),
          ([feeds, shuffled]) => {
            expect(order(shuffled, compare)).toEqual(order(feeds, compare));
          },
        ),
      );
  });
});

describe('workers of a feed while other feeds wait', () => {
  it('are 1 at 50, 2 at 51 and at 100, 3 at 101', () => {
    const workers = [0, 1, 49, 50, 51, 99, 100, 101, 1_000].map((n) => transcribersMax(n, 50));
    expect(workers).toEqual([1, 1, 1, 1, 2, 2, 2, 3, 20]);
  });

  it('never fall when more remains, and each has work for at most one batch', () => {
    fc.assert(
      fc.property(fc.nat(10_000), fc.integer({ min: 1, max: 500 }), (remaining, batch) => {
        const workers = transcribersMax(remaining, batch);
        expect(transcribersMax(remaining + 1, batch)).toBeGreaterThanOrEqual(workers);
        expect(workers * batch).toBeGreaterThanOrEqual(remaining);
        expect((workers - 1) * batch).toBeLessThanOrEqual(remaining);
      }),
    );
  });
});
