import { NO_CHOICES } from '@podctl/domain/feed-choices.ts';
import type { FeedId } from '@podctl/domain/ids.ts';
import { ManualClock } from '@podctl/platform/twin/manual-clock.ts';
import { MemoryLibrary } from '@podctl/platform/twin/memory-library.ts';
import { beforeEach, expect, test } from 'vitest';
import { HandBuiltFleet } from '../../../../test/support/hand-built-fleet.ts';
import { done } from '../../../../test/support/stage-change.ts';
import { feedView, totals } from './view.ts';

const [alpha, beta] = ['alpha', 'beta'] as FeedId[] as [FeedId, FeedId];
const paused = { lastSuccessMs: 5, choices: { ...NO_CHOICES, paused: true } };
let fleet: HandBuiltFleet;
beforeEach(() => {
  fleet = new HandBuiltFleet(new ManualClock(), new MemoryLibrary('m'.repeat(16), 1, () => 0));
});

test('a feed is paused while something of it is left, and done like any other when nothing is', () => {
  const state = () => {
    const row = fleet.snapshot.feeds.get(alpha);
    return row === undefined ? null : feedView(fleet.picture(), row).state;
  };
  fleet.feed(alpha, paused);
  fleet.episode(alpha, 0, (is) => done('transcribe')(done('download')(is)));
  expect(state()).toBe('done');
  fleet.episode(alpha, 1);
  expect(state()).toBe('paused');
});

test('a paused feed counts neither into what waits nor into when all is done', () => {
  fleet.feed(alpha);
  fleet.feed(beta, paused);
  fleet.episode(alpha, 0, done('download', 60));
  fleet.episode(beta, 0, done('download', 600));
  const { forecast, jobsWaiting } = totals(fleet.picture());
  expect([forecast.audioSecondsLeft, jobsWaiting]).toEqual([60, 1]);
});
