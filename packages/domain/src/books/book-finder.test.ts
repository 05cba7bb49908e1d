import { expect, test } from 'vitest';
import { bookTalk, MENTIONS_MAX, QUOTE_LENGTH_MAX, readsLanguage } from './book-finder.ts';
import { episodeScore } from './book-score.ts';
import {
  ADVERT_SHOW,
  BOOK_SHOW,
  MUSIC_SHOW,
  NEWS_SHOW,
  secondsOf,
  spoken,
  TRAVEL_SHOW,
} from './example-shows.ts';

const named = (text: string) =>
  bookTalk(spoken(text)).mentions.map(({ title, author }) => [title, author]);

test('a show about books: each book once, with its author where one is named', () => {
  expect(named(BOOK_SHOW)).toEqual([
    ['The Salt Road', 'Marta Lindqvist'],
    ['The Glass Orchard', 'Theo Abara'],
    ['A Winter Without Maps', 'June Okafor'],
    ['Small Engines', null],
    ['Middlemarch', null],
    ['The Ninth Harbor', 'Paul Ferreira'],
    [null, 'Lena Voss'],
    ['Tell the Tide', null],
    ['Dune', 'Frank Herbert'],
    ['The Copper Year', null],
  ]);
});

test('a mention has its second, a short quote, and whether it is praised', () => {
  const { mentions } = bookTalk(spoken(BOOK_SHOW));
  const winter = mentions[2];
  expect(winter?.quote).toContain('a novel called A Winter Without Maps by June Okafor');
  expect(winter?.recommended).toBe(true);
  const before = BOOK_SHOW.slice(0, BOOK_SHOW.indexOf('novel called')).trim().split(/\s+/);
  expect(Math.abs((winter?.startSeconds ?? 0) - before.length * 0.4)).toBeLessThan(1);
  expect(Math.max(...mentions.map(({ quote }) => quote.length))).toBeLessThanOrEqual(
    QUOTE_LENGTH_MAX,
  );
});

test.each([
  ['news', NEWS_SHOW],
  ['travel and booking', TRAVEL_SHOW],
  ['advertisements of audio books', ADVERT_SHOW],
  ['music and films', MUSIC_SHOW],
])('no book is found in %s', (_name, text) => {
  expect(bookTalk(spoken(text))).toEqual({ mentions: [], weight: 0 });
});

test('the density tells the shows apart', () => {
  const score = (text: string) => {
    const segments = spoken(text);
    return episodeScore(bookTalk(segments).weight, secondsOf(segments));
  };
  expect(score(BOOK_SHOW)).toBeGreaterThan(8);
  expect(score(NEWS_SHOW)).toBe(1);
  expect(score(TRAVEL_SHOW)).toBe(1);
});

test.each([
  ['She is the bestselling author of The Long Field.', ['The Long Field', null]],
  ['I loved the book "Nine Lives of Ash" so much.', ['Nine Lives of Ash', null]],
  ['You should read The Open Door, written by Ines Calo.', ['The Open Door', 'Ines Calo']],
  ['It is a book by J. R. Tolland called Old Fires.', ['Old Fires', 'J. R. Tolland']],
  ['Her debut novel, River of Brass, comes out soon.', ['River of Brass', null]],
  ['A biography called Van der Meer by Piet van der Laan.', ['Van der Meer', 'Piet van der Laan']],
])('%s', (text, book) => {
  expect(named(text)).toEqual([book]);
});

test('an hour about one book counts it once', () => {
  const hours = bookTalk(spoken(BOOK_SHOW.repeat(40)));
  expect(hours.mentions).toHaveLength(10);
  const once = 'Her novel The Fog Line by Ann Lee is great. ';
  expect(bookTalk(spoken(once.repeat(30))).mentions).toHaveLength(1);
  expect(bookTalk(spoken(once.repeat(30))).weight).toBe(bookTalk(spoken(once)).weight);
});

test('praise of a book without a name counts a little, and not again for two minutes', () => {
  const text = 'I really recommend this book. '.repeat(10);
  const { mentions, weight } = bookTalk(spoken(text));
  expect(mentions.map(({ title, author }) => [title, author])).toEqual([[null, null]]);
  expect(weight).toBe(0.4);
  const later = 'The first book is about an old shop where wheels were made. I recommend it.';
  expect(bookTalk(spoken(later)).weight).toBe(0.4);
  expect(named(`Her novel The Fog Line is out. ${later}`)).toEqual([['The Fog Line', null]]);
});

test('however many there are, the list has an end', () => {
  const many = Array.from({ length: 500 }, (_, i) => `I read Tale ${i} by Ann Bell.`).join(' ');
  expect(bookTalk(spoken(many)).mentions).toHaveLength(MENTIONS_MAX);
});

test('only English is read', () => {
  expect(['en', 'en-GB', 'EN', 'english'].every(readsLanguage)).toBe(true);
  expect(['de', 'und', '', 'enm', 'es'].some(readsLanguage)).toBe(false);
});

test('three hours take less than a blink, also where every word is a cue', () => {
  const books = spoken(BOOK_SHOW.repeat(130));
  const cues = spoken('By book by The Author of read Novel called '.repeat(3_500));
  for (const segments of [books, cues]) {
    bookTalk(segments);
    const began = performance.now();
    bookTalk(segments);
    // Some 50 ms on a quiet machine; what is quadratic takes minutes.
    expect(performance.now() - began).toBeLessThan(4_000);
  }
});
