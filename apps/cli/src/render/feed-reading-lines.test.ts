import { expect, it } from 'vitest';
import { feedReadingLines } from './feed-reading-lines.ts';

const problem = (kind: 'lost' | 'left-out' | 'repaired', message: string, place = '') => ({
  ...{ kind, message, place, count: 1 },
});

it('tells each problem with its kind and its first place, and pages where there are several', () => {
  const problems = [problem('lost', 'a tag', 'line 3'), problem('left-out', '2 items')];
  expect(feedReadingLines({ readAt: null, items: 7, pages: 2, problems })).toEqual([
    'Document    7 items on 2 pages',
    'Lost        a tag (first: line 3)',
    'Left out    2 items',
  ]);
});

it('says nothing of a document that nothing was wrong with', () => {
  expect(feedReadingLines({ readAt: null, items: 7, pages: 1, problems: [] })).toEqual([]);
  expect(feedReadingLines(null)).toEqual([]);
});
