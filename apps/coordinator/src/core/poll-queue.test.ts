import type { FeedId } from '@podctl/domain/ids.ts';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { type DueFeed, PollQueue, spreadMs } from './poll-queue.ts';

const LIMITS = { atOnceMax: 4, perHostMax: 2, failingMax: 1 };
const due = (feed: string, host: string, some: Partial<DueFeed> = {}): DueFeed => ({
  ...{ feed: feed as FeedId, host, isFailing: false, isUrgent: false, dueMs: 1 },
  ...some,
});
const taken = (queue: PollQueue, nowMs = 0) => {
  const feeds: DueFeed[] = [];
  for (let next = queue.next(nowMs); next !== null; next = queue.next(nowMs)) feeds.push(next);
  return feeds;
};
const names = (feeds: readonly DueFeed[]) => feeds.map(({ feed }) => feed).join(' ');

test('a host gets so many fetches at once, and leaves room for the others', () => {
  const queue = new PollQueue(LIMITS);
  queue.offer([due('a1', 'a'), due('a2', 'a'), due('a3', 'a'), due('b1', 'b')], 0);
  const first = taken(queue);
  expect(names(first)).toBe('a1 b1 a2');
  const [a1] = first;
  if (a1 === undefined) throw new Error('one began');
  // Its host has answered: our own work with it keeps no other feed of the host waiting.
  queue.fetched(a1);
  expect(names(taken(queue))).toBe('a3');
});

test('a fetch that is no poll takes a place of its host, and waits for one like a poll', () => {
  const queue = new PollQueue(LIMITS);
  queue.offer([due('a1', 'a'), due('a2', 'a')], 0);
  expect([queue.enter('a', 0), names(taken(queue)), queue.enter('a', 0)]).toEqual([
    ...[true, 'a1', false],
  ]);
  queue.fetched({ host: 'a' });
  expect(names(taken(queue))).toBe('a2');
  queue.cool('b', null, 0);
  expect([queue.enter('b', 1), queue.enter('c', 1)]).toEqual([false, true]);
});

test('no more polls run at once than there are places, folding ones among them', () => {
  const queue = new PollQueue(LIMITS);
  queue.offer(
    ['a', 'b', 'c', 'd', 'e'].map((name) => due(name, name)),
    0,
  );
  const first = taken(queue);
  for (const one of first) queue.fetched(one);
  expect([first.length, queue.next(0)]).toEqual([4, null]);
  for (const one of first.slice(0, 1)) queue.ended(one);
  expect(names(taken(queue))).toBe('e');
});

test('hosts that do not answer leave places for those that do', () => {
  const queue = new PollQueue(LIMITS);
  const failing = ['a', 'b', 'c'].map((name) => due(name, name, { isFailing: true }));
  queue.offer([...failing, due('d', 'd', { dueMs: 2 })], 0);
  const first = taken(queue);
  expect(names(first)).toBe('a d');
  for (const one of first) queue.ended(one);
  expect(names(taken(queue))).toBe('b');
});

test('what somebody waits for goes first, then what is due longest; what is polled is not begun twice', () => {
  const queue = new PollQueue({ ...LIMITS, atOnceMax: 2 });
  const feeds = [
    due('new', 'a', { dueMs: 5 }),
    due('old', 'b'),
    due('asked', 'c', { isUrgent: true, dueMs: 9 }),
  ];
  queue.offer(feeds, 0);
  const first = taken(queue);
  expect(names(first)).toBe('asked old');
  queue.offer(feeds, 0);
  expect(first.slice(0, 1).map((one) => queue.ended(one))).toEqual([true]);
  queue.offer([due('old', 'b')], 0);
  expect(queue.next(0)).toBeNull();
});

test('a host that says that it is asked too often is left alone, a minute at least and an hour at most', () => {
  const queue = new PollQueue(LIMITS);
  const offer = (nowMs: number) => queue.offer([due('a1', 'a'), due('b1', 'b')], nowMs);
  queue.cool('a', 5, 0);
  queue.cool('b', 86_400_000, 0);
  offer(0);
  expect(taken(queue, 59_999)).toEqual([]);
  offer(60_000);
  expect(names(taken(queue, 60_000))).toBe('a1');
  offer(3_600_000);
  expect(names(taken(queue, 3_600_000))).toBe('b1');
  expect(queue.counts().cooling).toBe(0);
});

/** Polls that are under way, ended in an order of its own. */
class Polls {
  readonly fetching: DueFeed[] = [];
  readonly folding: DueFeed[] = [];
  ended = 0;

  /** One of them goes a step on, by the choice. */
  step(queue: PollQueue, choice: number): void {
    const isFetch = this.fetching.length > 0 && (choice % 2 === 0 || this.folding.length === 0);
    const from = isFetch ? this.fetching : this.folding;
    const [one] = from.splice(choice % Math.max(1, from.length), 1);
    if (one === undefined) return;
    if (isFetch) {
      queue.fetched(one);
      this.folding.push(one);
    } else {
      queue.ended(one);
      this.ended += 1;
    }
  }

  perHost(): number {
    const lists = Object.values(Object.groupBy(this.fetching, ({ host }) => host));
    return Math.max(0, ...lists.map((list) => list?.length ?? 0));
  }

  get running(): number {
    return this.fetching.length + this.folding.length;
  }
}

test('every feed is polled in the end, and no limit is passed on the way', () => {
  const host = fc.constantFrom('a', 'b', 'c');
  const feed = fc.record({ host, isFailing: fc.boolean(), isUrgent: fc.boolean() });
  const feeds = fc.array(feed, { maxLength: 40 });
  const choices = fc.array(fc.nat(), { minLength: 100, maxLength: 100 });
  fc.assert(
    fc.property(feeds, choices, (some, steps) => {
      const queue = new PollQueue(LIMITS);
      const all = some.map((one, i) => due(`f${i}`, one.host, one));
      queue.offer(all, 0);
      const polls = new Polls();
      for (const choice of steps) {
        polls.fetching.push(...taken(queue));
        expect(polls.running).toBeLessThanOrEqual(LIMITS.atOnceMax);
        expect(polls.perHost()).toBeLessThanOrEqual(LIMITS.perHostMax);
        polls.step(queue, choice);
      }
      expect(polls.ended).toBe(some.length);
    }),
    { numRuns: 100 },
  );
});

test('what came due while nobody led is spread, over a minute at most', () => {
  expect(spreadMs(1, 0.999)).toBeLessThanOrEqual(6);
  expect(spreadMs(1_000, 0.5)).toBe(3_000);
  expect(spreadMs(100_000, 0.5)).toBe(30_000);
});
