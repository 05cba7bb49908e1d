import { Feed, FeedState } from '@podctl/proto/podctl/v1/feed.ts';
import { Overview } from '@podctl/proto/podctl/v1/fleet.ts';
import { expect, test } from 'vitest';
import { feedView } from '../views/feed-map.ts';
import { overviewView } from '../views/fleet-map.ts';
import { completionOf } from './completion.ts';
import { emptyWatch } from './watch-state.ts';

const read = { feedId: 'f', episodes: 5, lastSuccessAt: new Date(0) };
const of = (feed: Partial<Feed>) =>
  completionOf(
    {
      ...emptyWatch,
      overview: overviewView(Overview.fromPartial({ feeds: 1, transcribed: 3 })),
      feeds: new Map([['f', feedView(Feed.fromPartial({ ...read, ...feed }))]]),
    },
    1,
  );

test('a paused feed is waited for no longer than its jobs run, and what it leaves is said', () => {
  const paused = { state: FeedState.PAUSED, transcribed: 3 };
  expect(of({ ...paused, transcribeWorkers: 1 })).toEqual({ kind: 'working' });
  expect(of(paused)).toEqual({
    kind: 'failed',
    reasons: ['feed f is paused with 2 episodes left ("podctl feed resume f" goes on)'],
  });
  expect(of({ ...paused, skipped: 2 })).toEqual({ kind: 'complete', transcribed: 3 });
});

test('scores that an agent can still work out are waited for, though their feed is done', () => {
  const feeds = new Map([
    ['f', feedView(Feed.fromPartial({ ...read, state: FeedState.DONE, transcribed: 5 }))],
  ]);
  const left = (asideLeft: number) => {
    const overview = overviewView(Overview.fromPartial({ feeds: 1, transcribed: 5, asideLeft }));
    return completionOf({ ...emptyWatch, overview, feeds }, 1).kind;
  };
  expect([left(2), left(0)]).toEqual(['working', 'complete']);
});

test('a paused feed that was never read is waited for, until it could not be', () => {
  const unread = { state: FeedState.PAUSED, episodes: 0, lastSuccessAt: undefined };
  expect(of(unread)).toEqual({ kind: 'working' });
  expect(of({ ...unread, problem: 'it answers 404' })).toEqual({
    kind: 'failed',
    reasons: ['feed f cannot be read: it answers 404'],
  });
});
