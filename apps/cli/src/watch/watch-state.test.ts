import { expect, test } from 'vitest';
import type { FeedView } from '../views/feed-map.ts';
import type { EventView, FleetChanges, OverviewView } from '../views/fleet-map.ts';
import { completionOf } from './completion.ts';
import {
  applied,
  disconnected,
  EVENTS_MAX,
  emptyWatch,
  shownAgeMs,
  type WatchState,
} from './watch-state.ts';

const event = (sequence: number, at = '2026-03-19T06:30:00.000Z') =>
  ({ sequence: String(sequence), at }) as EventView;
const feed = (feedId: string, changes: Partial<FeedView> = {}) =>
  ({
    feedId,
    state: 'active',
    episodes: 3,
    transcribed: 1,
    dead: 0,
    skipped: 0,
    paused: false,
    problem: '',
    ...changes,
  }) as FeedView;
const changes = (some: Partial<FleetChanges>): FleetChanges => ({
  overview: null,
  feeds: [],
  agents: [],
  events: [],
  eventsDropped: 0,
  ...some,
});

function after(
  state: WatchState,
  sequence: bigint,
  kind: 'snapshot' | 'delta',
  some: Partial<FleetChanges>,
) {
  return applied(state, { kind, sequence, changes: changes(some) }, 1_000);
}

test('a snapshot replaces the picture, a delta changes only what it names', () => {
  const first = after(emptyWatch, 1n, 'snapshot', { feeds: [feed('a'), feed('b')] }).state;
  const second = after(first, 2n, 'delta', {
    feeds: [feed('b', { state: 'done' }), feed('c')],
  }).state;
  expect([...second.feeds.values()].map((one) => `${one.feedId} ${one.state}`)).toEqual([
    'a active',
    'b done',
    'c active',
  ]);
  const third = after(second, 1n, 'snapshot', { feeds: [feed('z')] }).state;
  expect([...third.feeds.keys()]).toEqual(['z']);
});

test('a message that was missed is a gap, whatever comes after it', () => {
  const first = after(emptyWatch, 1n, 'snapshot', { feeds: [feed('a')] }).state;
  expect(after(first, 3n, 'delta', { feeds: [] }).kind).toBe('gap');
  expect(applied(first, { kind: 'heartbeat', sequence: 3n }, 1).kind).toBe('gap');
  expect(applied(first, { kind: 'heartbeat', sequence: 2n }, 1).kind).toBe('applied');
  expect(after(emptyWatch, 1n, 'delta', {}).kind).toBe('gap');
});

test('a stream opened anew tells only events that were not told before', () => {
  const first = after(emptyWatch, 1n, 'snapshot', { events: [event(1), event(2)] });
  expect(first).toMatchObject({ news: [{ sequence: '1' }, { sequence: '2' }] });
  const again = after(disconnected(first.state), 1n, 'snapshot', {
    events: [event(1), event(2), event(3)],
  });
  expect(again).toMatchObject({ news: [{ sequence: '3' }] });
});

test('a coordinator that started anew counts from one again: its events are news by their time', () => {
  const first = after(emptyWatch, 1n, 'snapshot', { events: [event(90)] });
  const again = after(disconnected(first.state), 1n, 'snapshot', {
    events: [event(1, '2026-03-19T06:31:00.000Z')],
  });
  expect(again).toMatchObject({ news: [{ sequence: '1' }] });
});

test('only the newest events are kept', () => {
  const events = Array.from({ length: EVENTS_MAX + 50 }, (_, i) => event(i));
  const { state } = after(emptyWatch, 1n, 'snapshot', { events });
  expect(state.events).toHaveLength(EVENTS_MAX);
  expect(state.events.at(-1)?.sequence).toBe(String(EVENTS_MAX + 49));
});

const totals = (feeds: number) => ({ feeds, transcribed: 3 }) as OverviewView;
const done = feed('a', { state: 'done', transcribed: 3 });

test('the work is complete when each feed that was added is done', () => {
  const state = (...feeds: FeedView[]) =>
    after(emptyWatch, 1n, 'snapshot', { overview: totals(feeds.length), feeds }).state;
  expect(completionOf(emptyWatch, 0).kind).toBe('working');
  expect(completionOf(state(done), 1).kind).toBe('complete');
  expect(completionOf(state(done), 2).kind).toBe('working');
  expect(completionOf(state(done, feed('b', { state: 'new', episodes: 0 })), 1).kind).toBe(
    'working',
  );
  expect(completionOf(state(done, feed('b')), 1).kind).toBe('working');
});

test('dead episodes and feeds that cannot be read are told, once nothing else is left', () => {
  const dead = feed('d', { state: 'done', transcribed: 2, dead: 1 });
  const failing = feed('f', { state: 'failing', episodes: 0, transcribed: 0, problem: 'HTTP 404' });
  const state = (...feeds: FeedView[]) =>
    after(emptyWatch, 1n, 'snapshot', { overview: totals(feeds.length), feeds }).state;
  expect(completionOf(state(dead, failing, feed('b')), 1).kind).toBe('working');
  const end = completionOf(state(dead, failing), 1);
  expect(end.kind === 'failed' ? end.reasons : []).toEqual([
    expect.stringContaining('feed d has 1 dead of 3 episodes'),
    'feed f cannot be read: HTTP 404',
  ]);
  const half = feed('f', { state: 'failing', problem: 'HTTP 503' });
  expect(completionOf(state(done, half), 1).kind).toBe('working');
});

const token = (sequence: bigint, some: Partial<FleetChanges>, kind: 'snapshot' | 'delta') => ({
  ...{ kind, sequence, resumeToken: `at ${sequence}`, stateAgeMs: 200 },
  changes: changes(some),
});

test('a stream that goes on begins with a delta; after a gap, or without a token, with everything', () => {
  const feeds = [feed('a'), feed('b')];
  const first = applied(emptyWatch, token(1n, { feeds }, 'snapshot'), 1_000).state;
  const cut = disconnected(first);
  expect(cut.resumeToken).toBe('at 1');
  const missed = { feeds: [feed('b', { state: 'done' })], events: [event(4)] };
  const back = applied(cut, token(1n, missed, 'delta'), 2_000);
  expect(back).toMatchObject({ kind: 'applied', news: [{ sequence: '4' }] });
  expect([...back.state.feeds.values()].map(({ state }) => state)).toEqual(['active', 'done']);
  expect(applied(cut, token(2n, {}, 'delta'), 2_000).kind).toBe('gap');
  const all = applied(cut, token(1n, { feeds: [feed('z')] }, 'snapshot'), 2_000).state;
  expect([...all.feeds.keys()]).toEqual(['z']);
  const gap = applied(first, token(3n, {}, 'delta'), 2_000).state;
  expect([gap.resumeToken, disconnected(gap).sequence]).toEqual(['', null]);
});

test('what is no more is gone from the picture', () => {
  const agent = (agentId: string) => ({ agentId }) as FleetChanges['agents'][number];
  const feeds = [feed('a'), feed('b')];
  const agents = [agent('gpu-1'), agent('gpu-2')];
  const first = after(emptyWatch, 1n, 'snapshot', { feeds, agents }).state;
  const removed = { feedIds: ['a', 'unknown'], agentIds: ['gpu-2'] };
  const second = after(first, 2n, 'delta', { feeds: [feed('c')], removed }).state;
  expect([...second.feeds.keys()]).toEqual(['b', 'c']);
  expect([...second.agents.keys()]).toEqual(['gpu-1']);
});

test('what is shown is as old as the silence, and as what the coordinator had not heard', () => {
  expect(shownAgeMs(emptyWatch, 5_000)).toBeNull();
  const { state } = applied(emptyWatch, token(1n, {}, 'snapshot'), 1_000);
  expect(shownAgeMs(state, 4_000)).toBe(3_200);
  const deaf = applied(state, { kind: 'heartbeat', sequence: 2n, stateAgeMs: 60_000 }, 4_000);
  expect(shownAgeMs(deaf.state, 4_000)).toBe(60_000);
});
