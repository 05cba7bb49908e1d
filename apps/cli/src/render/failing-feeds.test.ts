import { expect, test } from 'vitest';
import type { FeedView } from '../views/feed-map.ts';
import { failingLines } from './failing-feeds.ts';

const feed = (feedId: string, state: FeedView['state'], problem = '') =>
  ({ feedId, state, problem, episodes: 0, stalledSince: null, lastSuccessAt: null }) as FeedView;
const failing = (n: number) =>
  Array.from({ length: n }, (_, i) => feed(`show-${i}`, 'failing', `HTTP 40${i}\u001b`));

test('each failing feed says why, three at most, and the rest is counted', () => {
  expect(failingLines([feed('fine', 'active'), ...failing(5)])).toEqual([
    'FAILING show-0: HTTP 400 ',
    'FAILING show-1: HTTP 401 ',
    'FAILING show-2: HTTP 402 ',
    '+2 more: "podctl feed list -o wide" shows why',
  ]);
  expect(failingLines([feed('fine', 'active')])).toEqual([]);
});
