import { expect, test } from 'vitest';
import { ledgerWords, wantedWords } from './render/wanted-words.ts';
import { wantedView } from './views/wanted-map.ts';
import { hasWantedFlags, wantedOf } from './wanted-flags.ts';

test('flags change what they name of what was wanted, and 0 and empty take it away', () => {
  const before = wantedOf({ 'title-match': 'part', 'max-episodes': 10, season: [1, 2] });
  const after = wantedOf({ 'title-match': '', 'min-duration': 600 }, before);
  expect(after).toMatchObject({ titleMatch: '', episodesMax: 10, minDurationSeconds: 600 });
  expect(after.seasons).toEqual([1, 2]);
  expect(wantedOf({ 'max-episodes': 0 }, after).episodesMax).toBe(0);
  expect([hasWantedFlags({}), hasWantedFlags({ 'title-match': '' })]).toEqual([false, true]);
});

test('what is wanted is told in words', () => {
  expect(wantedWords(wantedView(undefined))).toBe('all');
  const wanted = wantedOf({
    ...{ 'title-skip': 'rerun', since: new Date('2026-03-01T00:00:00Z'), 'max-episodes': 5 },
    ...{ 'min-duration': 600, season: [3], 'episode-type': ['full', 'bonus'] },
  });
  expect(wantedWords(wantedView(wanted))).toBe(
    'the newest 5; title without /rerun/; since 2026-03-01; 10m00s at least; season 3; full or bonus',
  );
});

test('of a ledger is told what is more than known and listed', () => {
  const none = { known: 3, listed: 3, vanished: 0, replaced: 0, audioChanged: 0, filtered: 0 };
  expect(ledgerWords(none)).toEqual([]);
  expect(ledgerWords({ ...none, vanished: 2, filtered: 1 })).toEqual(['2 vanished', '1 filtered']);
});
