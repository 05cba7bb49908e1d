import { expect, test } from 'vitest';
import { clockWords, hitLines } from './search-lines.ts';

const hit = {
  ...{ feedId: 'alpha', feedTitle: 'Alpha', episodeId: 'abcd', title: '', publishedAt: null },
  ...{ startSeconds: 3_661.9, snippet: 'the clock' },
  parts: [
    { text: 'the ', matched: false },
    { text: 'clo\u001b[2Jck', matched: true },
  ],
};

test('a match stands out where colours are wanted, and nothing of a transcript reaches the terminal as a command', () => {
  expect(hitLines(hit, { isColoured: true, columns: null })).toEqual([
    'alpha  abcd  1:01:01  -',
    '    the \u001b[1mclo\u001b[22m \u001b[1m[2Jck\u001b[22m',
  ]);
  expect(hitLines(hit, { isColoured: false, columns: 80 }).join('')).not.toContain('\u001b');
});

test('on a terminal words stay whole: a long title gets a line of its own, and a passage as many as it needs', () => {
  const long = {
    ...{ ...hit, title: 'The Long Case of the Clock' },
    parts: [{ text: 'and then the clock struck thirteen', matched: false }],
  };
  expect(hitLines(long, { isColoured: false, columns: 30 })).toEqual([
    'alpha  abcd  1:01:01  -',
    '    The Long Case of the Clock',
    '    and then the clock struck',
    '    thirteen',
  ]);
});

test('times are as players show them', () => {
  expect([0, 59.9, 61, 36_000].map(clockWords)).toEqual([
    '0:00:00',
    '0:00:59',
    '0:01:01',
    '10:00:00',
  ]);
});
