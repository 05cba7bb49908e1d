import { createHash } from 'node:crypto';
import { expect, test } from 'vitest';
import { type EpisodeId, episodeIdFrom, type FeedId, feedId } from '../ids.ts';
import type { FilteredFacts } from './episode-filter.ts';
import type { FeedDocument, FeedItem } from './feed-document.ts';
import { type FoldedLedger, foldAtOnce, foldLedger } from './ledger.ts';
import {
  CHUNK_ENTRIES,
  decodeChunk,
  encodeChunk,
  type LedgerEntry,
  ledgerCounts,
} from './ledger-entry.ts';

const sha256 = (text: string) => createHash('sha256').update(text).digest();
const idOf = (text: string): FeedId => {
  const id = feedId(text);
  if (!id.ok) throw new Error(id.error);
  return id.value;
};
const FEED = idOf('show');
const DAY_MS = 86_400_000;

const item = (guid: string | null, more: Partial<FeedItem> = {}): FeedItem => ({
  key: guid ?? '',
  guid,
  title: `Title of ${guid}`,
  publishedMs: 20_000 * DAY_MS,
  enclosureUrl: `https://x.test/${encodeURIComponent(guid ?? 'file')}.mp3`,
  enclosureType: null,
  lengthBytes: 5_000_000,
  durationSecondsEstimate: 1_800,
  season: null,
  episodeNumber: null,
  episodeType: 'full',
  ...more,
});
const document = (items: readonly FeedItem[], more: Partial<FeedDocument> = {}): FeedDocument => ({
  title: '',
  items,
  itemsSeen: items.length,
  problems: [],
  nextPageUrl: null,
  selfUrl: null,
  newFeedUrl: null,
  ...more,
});
interface Given {
  readonly passes?: (facts: FilteredFacts) => boolean;
  readonly episodesMax?: number;
  readonly kept?: ReadonlyMap<EpisodeId, FilteredFacts>;
  readonly turn?: number;
  readonly restatedMax?: number;
}
function fold(before: readonly LedgerEntry[], read: FeedDocument, given: Given = {}): FoldedLedger {
  const { passes = () => true, episodesMax = null, ...more } = given;
  const options = { feed: FEED, nowMs: 30_000 * DAY_MS, sha256, passes, episodesMax, ...more };
  return foldAtOnce(before, read, options);
}
const ids = (entries: readonly LedgerEntry[]) => entries.map(({ episode }) => episode);

test('an episode id comes from the feed id and the key, so that two pollers make one', () => {
  const { fresh } = fold([], document([item('g-1')]));
  expect(fresh[0]?.episode).toBe(episodeIdFrom(sha256('show\ng-1')));
  expect(fresh[0]?.key).toBe('g-1');
});

test('without a GUID the key is the URL without what trackers and signatures add', () => {
  const url = 'https://dts.podtrac.com/redirect.mp3/x.test/a.mp3?Expires=1&Signature=q&id=7';
  const { fresh, entries } = fold([], document([item(null, { enclosureUrl: url })]));
  expect(fresh[0]?.key).toBe('https://x.test/a.mp3?id=7');
  expect(fresh[0]?.isRestless).toBe(true);
  const signed = item(null, { enclosureUrl: 'https://x.test/a.mp3?Expires=2&Signature=r&id=7' });
  expect(fold(entries, document([signed])).dirty).toEqual([]);
});

test('one GUID with a new URL is the same episode, and other audio is told by its length', () => {
  const { entries } = fold([], document([item('g')]));
  const moved = { enclosureUrl: 'https://cdn.test/new.mp3' };
  const same = fold(entries, document([item('g', { ...moved, lengthBytes: 5_100_000 })]));
  expect(same.changed).toMatchObject([{ isUrlNew: true, alias: null }]);
  expect([same.fresh, same.audioChanged]).toEqual([[], []]);
  const other = fold(entries, document([item('g', { ...moved, durationSecondsEstimate: 900 })]));
  expect(other.audioChanged).toEqual(ids(entries));
  expect(other.counts).toMatchObject({ known: 1, audioChanged: 1 });
});

test('a GUID issued anew for the same title, date and length is an alias, and the id stays', () => {
  const { entries } = fold([], document([item('old'), item('stays')]));
  const anew = item('new', { title: ' title OF “old”! ', enclosureUrl: 'https://cdn.test/n.mp3' });
  const folded = fold(entries, document([anew, item('stays')]));
  expect(ids(folded.entries)).toEqual(ids(entries));
  expect(folded.changed).toMatchObject([{ episode: entries[0]?.episode, alias: 'new' }]);
  expect(folded.counts).toMatchObject({ known: 2, replaced: 1, vanished: 0 });
  // From here on it is known by both.
  expect(fold(folded.entries, document([item('stays'), anew])).dirty).toEqual([]);
});

test.each([
  ['title', { title: 'Another' }],
  ['date', { publishedMs: 20_001 * DAY_MS }],
  ['length', { lengthBytes: 1, durationSecondsEstimate: 1 }],
])('another %s under a new GUID at a new URL is another episode', (_, more) => {
  const { entries } = fold([], document([item('old', { title: 'T' })]));
  const other = { title: 'T', enclosureUrl: 'https://cdn.test/n.mp3', ...more };
  const folded = fold(entries, document([item('new', other)]));
  expect(folded.counts).toMatchObject({ known: 2, listed: 1, vanished: 1, replaced: 0 });
});

test('items with one title, date and length that are listed together are episodes of their own', () => {
  const twins = ['a', 'b'].map((guid) => item(guid, { title: 'Новости' }));
  const { entries } = fold([], document(twins));
  expect(entries).toHaveLength(2);
  // Both GUIDs anew: the URLs tell which is which.
  const anew = ['b', 'a'].map((was) => ({ ...item(was, { title: 'Новости' }), guid: `${was}2` }));
  const folded = fold(entries, document(anew));
  expect(folded.entries).toHaveLength(2);
  expect(folded.listed.get(entries[0]?.episode as EpisodeId)?.guid).toBe('a2');
});

test('one GUID on two different files is two episodes, whichever is listed first or alone', () => {
  const [a, b] = ['a', 'b'].map((name) =>
    item('same', { title: name, enclosureUrl: `https://x.test/${name}.mp3` }),
  ) as [FeedItem, FeedItem];
  const { entries, fresh } = fold([], document([a, b]));
  expect(fresh.map(({ key }) => key)).toEqual(['same', 'https://x.test/b.mp3']);
  for (const items of [[b, a], [b], [a], [a, b]]) {
    const folded = fold(entries, document(items));
    expect(ids(folded.entries)).toEqual(ids(entries));
    expect(folded.changed).toEqual([]);
    expect([...folded.listed.values()].map(({ title }) => title).sort()).toEqual(
      items.map(({ title }) => title).sort(),
    );
  }
});

test('what had no GUID and has one now is the same episode', () => {
  const { entries } = fold([], document([item(null)]));
  const folded = fold(
    entries,
    document([item('g', { title: 'x', enclosureUrl: item(null).enclosureUrl })]),
  );
  expect(ids(folded.entries)).toEqual(ids(entries));
  expect(folded.changed[0]?.alias).toBe('g');
});

test('what a whole document lists no more has vanished, is kept, and comes back', () => {
  const { entries } = fold([], document([item('a'), item('b')]));
  const gone = fold(entries, document([item('a')]));
  expect(gone.vanished).toEqual([entries[1]?.episode]);
  expect(gone.counts).toMatchObject({ known: 2, listed: 1, vanished: 1 });
  const back = fold(gone.entries, document([item('b'), item('a')]));
  expect(back.returned).toEqual([entries[1]?.episode]);
  expect(back.counts).toMatchObject({ known: 2, listed: 2, vanished: 0 });
  expect(back.fresh).toEqual([]);
});

test.each([
  ['broke off', { isPartial: true }, [item('c')]],
  ['has further pages', { nextPageUrl: 'https://x.test/2' }, [item('c')]],
  ['is empty', {}, []],
])('nothing vanishes by a document that %s', (_, more, items) => {
  const { entries } = fold([], document([item('a'), item('b')]));
  const folded = fold(entries, document(items, more));
  expect(folded.vanished).toEqual([]);
  expect(folded.counts.vanished).toBe(0);
  expect(folded.fresh).toHaveLength(items.length);
});

test('what was put together from all of its pages is whole', () => {
  const { entries } = fold([], document([item('a'), item('b')]));
  const paged = { nextPageUrl: 'https://x.test/2', pages: 2, isPartial: false };
  expect(fold(entries, document([item('a')], paged)).counts.vanished).toBe(1);
});

test('a part of a feed cannot tell a GUID issued anew: it waits for the whole', () => {
  const { entries } = fold([], document([item('old', { title: 'T' })]));
  const anew = item('new', { title: 'T', enclosureUrl: 'https://cdn.test/n.mp3' });
  const part = fold(entries, document([anew], { isPartial: true }));
  expect([part.putOff, part.fresh, part.dirty]).toEqual([1, [], []]);
  expect(fold(part.entries, document([anew])).counts).toMatchObject({ known: 1, replaced: 1 });
});

test('a filter keeps back, a looser one admits, also what is not listed any more, and a tighter one takes nothing', () => {
  const items = ['a', 'b', 'c'].map((guid) => item(guid));
  const only = (...guids: string[]) => ({
    passes: ({ title }: FilteredFacts) => guids.some((guid) => title === `Title of ${guid}`),
  });
  const first = fold([], document(items), only('a'));
  expect(first.fresh.map(({ key }) => key)).toEqual(['a']);
  expect(first.filtered.map(({ key }) => key)).toEqual(['b', 'c']);
  expect(first.counts).toMatchObject({ known: 3, filtered: 2 });
  const kept = new Map(first.filtered.map(({ episode, item: one }) => [episode, one]));
  const [a, , c] = items as [FeedItem, FeedItem, FeedItem];
  const looser = fold(first.entries, document([a, c]), { ...only('a', 'b', 'c'), kept });
  expect(looser.admitted.map(({ item: one }) => one?.guid ?? null).sort()).toEqual(['c', null]);
  expect(looser.counts).toMatchObject({ filtered: 0, vanished: 1 });
  expect(fold(looser.entries, document(items), only()).counts.filtered).toBe(0);
});

test('of many the newest are wanted, and those wanted before stay so', () => {
  const dated = (guid: string, day: number) => item(guid, { publishedMs: day * DAY_MS });
  const first = fold([], document([dated('a', 1), dated('c', 3), dated('b', 2)]), {
    episodesMax: 2,
  });
  expect(first.fresh.map(({ key }) => key).sort()).toEqual(['b', 'c']);
  const later = document([dated('d', 4), dated('a', 1), dated('b', 2), dated('c', 3)]);
  const second = fold(first.entries, later, { episodesMax: 2 });
  expect(second.fresh.map(({ key }) => key)).toEqual(['d']);
  expect(second.counts).toMatchObject({ known: 4, filtered: 1 });
});

const offered = (query: string, more: Partial<FeedItem> = {}) =>
  item('g', {
    transcripts: [{ url: `https://t.test/g.vtt${query}`, type: 'text/vtt', language: 'en' }],
    ...more,
  });

test.each<[string, FeedItem]>([
  ['an offered transcript', offered('')],
  ['a season', item('g', { season: 2 })],
  ['an episode number', item('g', { episodeNumber: 7 })],
  ['a type', item('g', { episodeType: 'bonus' })],
  ['people', item('g', { persons: [{ name: 'Ada', role: 'host' }] })],
  ['chapters', item('g', { chaptersUrl: 'https://t.test/c.json' })],
  ['a duration', item('g', { durationSecondsEstimate: 1_805 })],
  ['a date', item('g', { publishedMs: 19_000 * DAY_MS })],
  ['a title', item('g', { title: 'TITLE OF G' })],
])('%s that a feed adds later is told once', (_, later) => {
  const { entries } = fold([], document([item('g'), item('stays')]));
  const told = fold(entries, document([later, item('stays')]));
  expect(told.changed).toMatchObject([{ item: later, isUrlNew: false, alias: null }]);
  const again = fold(told.entries, document([later, item('stays')]));
  expect([again.changed, again.dirty]).toEqual([[], []]);
});

test('what is signed, or written anew at each reading, is not told each time', () => {
  let { entries } = fold([], document([offered('?Expires=1&Signature=a')]));
  const signed = fold(entries, document([offered('?Expires=2&Signature=b')]));
  expect([signed.changed, signed.dirty]).toEqual([[], []]);
  let told = 0;
  for (let n = 0; n < 20; n += 1) {
    const now = offered(`?once=${n}`, { durationSecondsEstimate: 1_800 + (n % 2) });
    const folded = fold(entries, document([now]));
    told += folded.changed.length;
    entries = folded.entries;
  }
  expect(told).toBe(3);
  const more = offered('?once=x', { season: 3 });
  expect(fold(entries, document([more])).changed).toMatchObject([{ item: { season: 3 } }]);
});

test('where too many are others at once, each fold takes a part, and none is left for ever', () => {
  const restatedMax = 50;
  const listed = (season: number) =>
    document(Array.from({ length: 60 }, (_, n) => item(`g${n}`, { season })));
  const { entries } = fold([], listed(1));
  const first = fold(entries, listed(2), { turn: 1, restatedMax });
  expect([first.changed.length, first.restatedLater]).toEqual([50, 10]);
  const second = fold(first.entries, listed(2), { turn: 2, restatedMax });
  expect([second.changed.length, second.restatedLater]).toEqual([10, 0]);
  // Of a feed whose every item is another at each reading the parts are others, too.
  const begin = (turn: number) =>
    fold(entries, listed(turn + 9), { turn, restatedMax }).changed[0]?.episode;
  expect(new Set([0, 1, 2, 3].map(begin)).size).toBe(4);
});

test('a chunk of an older version is read, and what it does not know is compared once', () => {
  const { entries } = fold([], document([item('g')]));
  const { v, e } = JSON.parse(encodeChunk(entries)) as { v: number; e: unknown };
  const old = decodeChunk(JSON.stringify({ v, e }));
  if (!old.ok) throw new Error(old.error);
  expect(old.value).toMatchObject([{ facts: '', looseFacts: '', factMoves: 0 }]);
  const told = fold(old.value, document([item('g')]));
  expect([told.changed.length, told.entries]).toEqual([1, entries]);
});

test('a chunk holds its entries as they were, and one that cannot be read says so', () => {
  const { entries } = fold([], document([item('a'), item(null, { publishedMs: null })]), {
    episodesMax: 1,
  });
  expect(decodeChunk(encodeChunk(entries))).toEqual({ ok: true, value: entries });
  for (const text of ['', '{"v":2,"e":[]}', '{"v":1}', '{"v":1,"e":[["x"]]}'])
    expect(decodeChunk(text).ok).toBe(false);
});

test('a slice of a large feed is short, and a chunk is small', () => {
  const items = Array.from({ length: 3_000 }, (_, n) => item(`guid-${n}`, { title: `Часть ${n}` }));
  const options = { feed: FEED, nowMs: 0, sha256, passes: () => true, episodesMax: null };
  let [entries, slices]: [readonly LedgerEntry[], number] = [[], 0];
  for (const read of [document(items), document(items.toReversed())]) {
    const steps = foldLedger(entries, read, options);
    let step = steps.next();
    for (; step.done !== true; step = steps.next()) slices += 1;
    entries = step.value.entries;
  }
  // Twice a hundred items at most in each, several times over.
  expect(slices).toBeGreaterThan(150);
  expect(ledgerCounts(entries)).toMatchObject({ known: 3_000, listed: 3_000 });
  expect(encodeChunk(entries.slice(0, CHUNK_ENTRIES)).length).toBeLessThan(80_000);
});
