import type { FeedDocument, FeedItem } from '@podctl/domain/feed/feed-document.ts';
import { expect, test } from 'vitest';
import { BREAK_SETTLES_MS, breakText, settledDocument } from './settled-document.ts';

const listed = (...keys: string[]): FeedDocument => ({
  ...{ title: '', itemsSeen: keys.length, problems: [], nextPageUrl: null, selfUrl: null },
  ...{ newFeedUrl: null, isPartial: true, breaksOff: true },
  items: keys.map((key) => ({ key }) as FeedItem),
});
const settle = (
  document: FeedDocument,
  nowMs: number,
  before?: { mark: string; sinceMs: number },
) => settledDocument(document, before, breakText(document), nowMs);

test('a document without its end is a part, until it was read so an hour later', () => {
  const document = listed('b', 'a');
  const first = settle(document, 5);
  expect(first).toMatchObject({ document: { isPartial: true }, brokeOff: { sinceMs: 5 } });
  const soon = settle(document, 4 + BREAK_SETTLES_MS, first.brokeOff);
  expect(soon).toEqual(first);
  const later = settle(document, 5 + BREAK_SETTLES_MS, soon.brokeOff);
  expect(later).toMatchObject({ document: { isPartial: false }, brokeOff: { sinceMs: 5 } });
  expect(later.document.problems).toMatchObject([
    { message: expect.stringContaining('since 1970-01-01') },
  ]);
});

test.each([
  ['another first item', listed('c', 'a')],
  ['another last item', listed('b', 'c')],
  ['another number of them', listed('b', 'x', 'a')],
])('with %s it begins anew', (_, other) => {
  const first = settle(listed('b', 'a'), 0);
  const next = settle(other, BREAK_SETTLES_MS, first.brokeOff);
  expect(next).toMatchObject({
    document: { isPartial: true },
    brokeOff: { sinceMs: BREAK_SETTLES_MS },
  });
});

test('what is partial for another reason stays so, and one with its end forgets', () => {
  const { breaksOff: _, ...part } = listed('b', 'a');
  const before = { mark: breakText(part), sinceMs: 0 };
  expect(settle(part, BREAK_SETTLES_MS, before)).toEqual({ document: part });
});

test('a clock that was set back is not believed', () => {
  const document = listed('a');
  const before = { mark: breakText(document), sinceMs: 9 };
  expect(settle(document, 5, before).brokeOff).toEqual({ ...before, sinceMs: 5 });
});
