import { expect, test } from 'vitest';
import type { FeedView } from '../views/feed-map.ts';
import { emptyWatch } from '../watch/watch-state.ts';
import { failingLines } from './failing-feeds.ts';
import { frame } from './watch-frame.ts';

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

test('the live table says below its feeds why they fail, where there is room', () => {
  const feeds = new Map(failing(4).map((one) => [one.feedId, one]));
  const drawn = (rows: number) => {
    const head = { address: '127.0.0.1:7070', keys: '' };
    return frame({ ...emptyWatch, feeds }, 100, rows, 0, head);
  };
  expect(drawn(20).slice(-4)[0]).toBe('FAILING show-0: HTTP 400');
  expect(drawn(20).at(-1)).toMatch(/^\+1 more/);
  expect(drawn(10).join('\n')).not.toContain('HTTP 400');
});
