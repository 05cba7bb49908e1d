import { DatabaseSync } from 'node:sqlite';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { matchExpression, parseSearchQuery } from './search-query.ts';

const db = new DatabaseSync(':memory:');
db.exec(
  "CREATE VIRTUAL TABLE t USING fts5(text, feed, prefix='2 3 4', tokenize='unicode61 remove_diacritics 2')",
);
const add = db.prepare('INSERT INTO t VALUES (?, ?)');
const said = [
  'The long case clock stands in the hall',
  'A case of long standing, by the clock',
  "Café owners don't count the hours, f1",
  'NOT AND OR NEAR text : feed',
];
for (const text of said) add.run(text, 'f1');
const find = db.prepare('SELECT rowid FROM t WHERE t MATCH ? ORDER BY rowid');

function rows(query: string, feed: string | null = null): number[] {
  const parsed = parseSearchQuery(query);
  if (!parsed.ok) throw new Error(parsed.error);
  return find.all(matchExpression(parsed.value, feed)).map(({ rowid }) => Number(rowid));
}

function problem(query: string): string {
  const parsed = parseSearchQuery(query);
  return parsed.ok ? '' : parsed.error;
}

describe('a query', () => {
  test('wants every word, in any order and case, with or without accents', () => {
    expect(rows('CASE long')).toEqual([1, 2]);
    expect(rows('cafe')).toEqual([3]);
    expect(rows('café hours')).toEqual([3]);
    expect(rows('clock hours')).toEqual([]);
  });

  test('wants a phrase word for word, also one that is not closed', () => {
    expect(rows('"long case"')).toEqual([1]);
    expect(rows('hall "long case')).toEqual([1]);
    expect(rows("don't")).toEqual([3]);
  });

  test('finds beginnings, and leaves out what is not wanted', () => {
    expect(rows('stand*')).toEqual([1, 2]);
    expect(rows('"case clo"*')).toEqual([1]);
    expect(rows('clock -hall')).toEqual([2]);
    expect(rows('clock -"long case"')).toEqual([2]);
  });

  test('has no operators: AND, OR, NOT, NEAR and columns are words', () => {
    expect(rows('NOT AND')).toEqual([4]);
    expect(rows('long OR hours')).toEqual([]);
    expect(rows('feed:text')).toEqual([]);
    expect(rows('text : feed')).toEqual([4]);
  });

  test('finds what is said, not the words by which feeds are told apart', () => {
    expect(rows('f1')).toEqual([3]);
    expect(rows('clock', 'f1')).toEqual([1, 2]);
    expect(rows('clock', 'f2')).toEqual([]);
  });

  test('that cannot find anything is refused with what to give', () => {
    expect(problem('  "" -- *')).toMatch(/no word to look for/);
    expect(problem('-clock')).toMatch(/no word to look for/);
    expect(problem('c*')).toMatch(/give 2 letters before the \*/);
    expect(problem('x'.repeat(501))).toMatch(/501 characters: give 500/);
    expect(problem('a '.repeat(17))).toMatch(/17 words: give 16/);
  });

  test('is never a syntax error, whatever is typed', () => {
    const pieces = fc.constantFrom(
      ...['"', "'", '*', '-', '(', ')', ':', '^', '+', '{', '}', '\0', 'AND', 'NEAR(', ' ', 'ab'],
    );
    const anything = fc.oneof(
      fc.string({ maxLength: 60, unit: 'binary' }),
      fc
        .array(fc.oneof(pieces, fc.string({ maxLength: 4 })), { maxLength: 30 })
        .map((all) => all.join('')),
    );
    fc.assert(
      fc.property(anything, (text) => {
        const parsed = parseSearchQuery(text);
        if (parsed.ok) find.all(matchExpression(parsed.value, 'f1'));
        else expect(parsed.error).toMatch(/give/);
      }),
      { numRuns: 300 },
    );
  });
});
