import { NO_FILTER } from '@podctl/domain/feed/episode-filter.ts';
import type { FeedDocument, FeedItem } from '@podctl/domain/feed/feed-document.ts';
import { POLL_POLICY } from '@podctl/domain/feed/poll.ts';
import { NO_CHOICES } from '@podctl/domain/feed-choices.ts';
import type { FeedRecord } from '@podctl/domain/feed-record.ts';
import { describe, expect, test } from 'vitest';
import type { FeedVerdict } from './feed-verdict.ts';
import { type PollResult, recordAfterPoll } from './poll-end.ts';

const NOW_MS = Date.UTC(2026, 2, 20);
const HOUR_MS = 3_600_000;
const POLICY = { ...POLL_POLICY, pollEveryMsMin: HOUR_MS / 4, pollEveryMsMax: 24 * HOUR_MS };
const RECORD = {
  ...{ feed: 'a', url: 'https://a.example/feed', formerUrls: [], title: 'A', failures: 0 },
  ...{ etag: '"1"', lastModified: 'then', lastSuccessMs: 5, nextPollMs: 7, problem: null },
  ...{ listed: 3, generation: 2 },
} as unknown as FeedRecord;
const DOCUMENT: FeedDocument = {
  ...{ title: 'New title', itemsSeen: 9, problems: [], nextPageUrl: null, selfUrl: null },
  newFeedUrl: null,
  items: [0, 1, 2, 3].map(
    (n) => ({ publishedMs: NOW_MS - n * 7 * 24 * HOUR_MS }) as unknown as FeedItem,
  ),
};

function after(verdict: FeedVerdict, some: Partial<PollResult> = {}, record = RECORD) {
  const { url } = record;
  const result = { verdict, read: null, url, remark: null, fallbackAgent: null, ...some };
  return recordAfterPoll(record, result, POLICY, RECORD, NOW_MS, 0.5);
}
const counts = { known: 4, listed: 4, vanished: 0, replaced: 0, audioChanged: 0, filtered: 0 };
const read = (fresh: number, document = DOCUMENT) => ({
  ...{ document, etag: '"2"', lastModified: null, listed: 4, fresh },
  ledger: { ...counts, digest: 'd', filter: 'f' },
});
const failed = { kind: 'failed', reason: 'why', retryAfterMs: null, isLasting: false } as const;
const fresh = { kind: 'fresh', movedTo: null } as const;

describe('a feed’s record after a poll', () => {
  test('that brought something tells so, and when the feed is asked again by its rhythm', () => {
    expect(after(fresh, { read: read(2) })).toMatchObject({
      ...{ title: 'New title', etag: '"2"', lastModified: null, listed: 4, failures: 0 },
      ...{ lastSuccessMs: NOW_MS, nextPollMs: NOW_MS + 14 * HOUR_MS },
      reading: { items: 9, pages: 1 },
      polling: { came: 'new', fresh: 2, why: 'something new comes about every 7 days' },
    });
    expect(after(fresh, { read: read(0) }).polling).toMatchObject({ came: 'unchanged', fresh: 0 });
  });

  test('that brought a part keeps no ETag: the rest of it would never be read', () => {
    const part = { ...DOCUMENT, isPartial: true };
    expect(after(fresh, { read: read(2, part) })).toMatchObject({
      ...{ etag: null, lastModified: null, ledger: { known: 4 } },
    });
  });

  test('that left something for the next one keeps no ETag either', () => {
    expect(after(fresh, { read: { ...read(2), isUnfinished: true } })).toMatchObject({
      ...{ etag: null, lastModified: null },
    });
  });

  test('that failed keeps all that was known, and tells when it was last read as before', () => {
    const record = after(fresh, { read: read(2) });
    const next = after(failed, {}, record);
    const { title, etag, listed, lastSuccessMs, reading } = record;
    expect(next).toMatchObject({ title, etag, listed, lastSuccessMs, reading, failures: 1 });
    expect(next.polling).toMatchObject({
      ...{ came: 'failed', fresh: 0, why: 'the last poll failed', newMs: record.polling?.newMs },
      rhythm: record.polling?.rhythm,
    });
    expect(next.nextPollMs - NOW_MS).toBe(60_000);
  });

  test('that says "gone" is of one that is asked never again, though nothing of it is lost', () => {
    const gone = after({ kind: 'gone', reason: 'gone (410)' });
    expect(gone).toMatchObject({ listed: 3, title: 'A', polling: { came: 'gone' } });
    expect(gone.nextPollMs - NOW_MS).toBeGreaterThan(1e12);
  });

  test('that moved it tells where it was', () => {
    const url = 'https://b.example/feed';
    expect(after({ kind: 'unchanged', movedTo: url }, { url })).toMatchObject({
      url,
      formerUrls: [RECORD.url],
      etag: '"1"',
    });
  });

  test('tells what else is wrong, also when nothing was sent', () => {
    const remark = 'it moved to where feed b is';
    expect(after({ kind: 'unchanged', movedTo: null }, { remark }).problem).toBe(remark);
    expect(after(fresh, { read: read(1), remark }).problem).toBe(remark);
  });

  test('lets whoever asked for a poll meanwhile have another one', () => {
    const asked = { ...RECORD, nextPollMs: 0 };
    expect(after(fresh, { read: read(0) }, asked).nextPollMs).toBe(0);
  });

  test('reads the whole feed again for a filter that was chosen meanwhile, also while it was asked for', () => {
    const began = { ...RECORD, nextPollMs: 0 };
    const filter = { ...NO_FILTER, titleMatch: 'news' };
    const record = { ...began, etag: null, choices: { ...NO_CHOICES, filter } };
    const { url } = record;
    const result = { verdict: fresh, read: read(1), url, remark: null, fallbackAgent: null };
    const next = recordAfterPoll(record, result, POLICY, began, NOW_MS, 0.5);
    expect(next).toMatchObject({ nextPollMs: 0, etag: null, lastModified: null });
  });
});
