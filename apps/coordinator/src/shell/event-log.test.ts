import type { EpisodeId, FeedId } from '@podctl/domain/ids.ts';
import { ManualClock } from '@podctl/platform/twin/manual-clock.ts';
import { beforeEach, describe, expect, it } from 'vitest';
import type { FleetEvent } from '../core/event.ts';
import { EventLog } from './event-log.ts';

const KEPT_MAX = 10_000;
const LOOKUPS_MAX = 200;

let clock: ManualClock;
let lookups: PromiseWithResolvers<string>[];
let added: number;
let log: EventLog;
beforeEach(() => {
  clock = new ManualClock(5_000);
  lookups = [];
  added = 0;
  log = new EventLog({
    clock,
    titleOf: () => {
      const lookup = Promise.withResolvers<string>();
      lookups.push(lookup);
      return lookup.promise;
    },
    added: () => {
      added += 1;
    },
  });
});

function event(message: string, episode: string | null = null): FleetEvent {
  return {
    type: 'job_assigned',
    feed: 'alpha' as FeedId,
    episode: episode as EpisodeId | null,
    stage: null,
    agent: null,
    message,
  };
}

/** Lets everything that is known by now be written. */
const settle = () => clock.advance(0);
const messages = (after = 0, limit = 100_000) =>
  log.after(after, limit).map(({ message }) => message);

describe('events', () => {
  it('are numbered from one, in the order in which they happened, and each is told', async () => {
    expect(log.newest()).toBe(0);
    log.add([event('a'), event('b')], 1);
    log.add([event('c')], 1);
    await settle();
    expect(log.after(0, 10).map(({ sequence, message }) => [sequence, message])).toEqual([
      [1, 'a'],
      [2, 'b'],
      [3, 'c'],
    ]);
    expect([log.newest(), added]).toEqual([3, 3]);
  });

  it('keep their order and their time though their titles come late, and the last one first', async () => {
    log.add([event('a', 'x')], 1);
    await clock.advance(100);
    log.add([event('b', 'y'), event('c')], 1);
    await clock.advance(1_000);
    expect([messages(), log.newest(), added]).toEqual([[], 0, 0]);
    lookups[1]?.resolve('Why');
    await settle();
    expect(messages()).toEqual([]);
    lookups[0]?.resolve('Ex');
    await settle();
    expect(log.after(0, 10).map(({ message, title, atMs }) => [message, title, atMs])).toEqual([
      ['a', 'Ex', 5_000],
      ['b', 'Why', 5_100],
      ['c', '', 5_100],
    ]);
  });

  it('go without a title where it cannot be looked up', async () => {
    log.add([event('a', 'x'), event('b')], 1);
    lookups[0]?.reject(new Error('no answer'));
    await settle();
    expect(log.after(0, 10).map(({ title }) => title)).toEqual(['', '']);
  });

  it('are looked up only so many at a time, and again once those are answered', async () => {
    const many = Array.from({ length: LOOKUPS_MAX + 50 }, (_, i) => event(`${i}`, 'x'));
    log.add(many, 1);
    expect(lookups).toHaveLength(LOOKUPS_MAX);
    for (const lookup of lookups) lookup.resolve('T');
    await settle();
    expect(messages()).toHaveLength(LOOKUPS_MAX + 50);
    expect(log.after(0, 100_000).filter(({ title }) => title === 'T')).toHaveLength(LOOKUPS_MAX);
    log.add([event('later', 'x')], 1);
    expect(lookups).toHaveLength(LOOKUPS_MAX + 1);
  });
});

describe('who comes later', () => {
  beforeEach(async () => {
    log.add(
      Array.from({ length: 10 }, (_, i) => event(`${i + 1}`)),
      1,
    );
    await settle();
  });

  it('reads on after the last number that it has seen', () => {
    expect(messages(7)).toEqual(['8', '9', '10']);
    expect(messages(10)).toEqual([]);
    expect(messages(99)).toEqual([]);
  });

  it('gets the newest of them, oldest first, where it takes only so many', () => {
    expect(messages(0, 3)).toEqual(['8', '9', '10']);
    expect(messages(5, 2)).toEqual(['9', '10']);
    expect(messages(5, 0)).toEqual([]);
  });

  it('finds the newest ten thousand, under the numbers that they had', async () => {
    log.add(
      Array.from({ length: KEPT_MAX }, (_, i) => event(`${i + 11}`)),
      1,
    );
    await settle();
    const all = log.after(0, 100_000);
    expect([all.length, all[0]?.sequence, all[0]?.message]).toEqual([KEPT_MAX, 11, '11']);
    expect(log.newest()).toBe(KEPT_MAX + 10);
    expect(messages(KEPT_MAX + 8)).toEqual(['10009', '10010']);
    // Its place is gone: it begins with the oldest that is kept.
    expect(log.after(3, 10_000)[0]?.sequence).toBe(11);
  });
});

describe('what is stored elsewhere', () => {
  const before = (message: string) => ({
    ...event(message),
    ...{ revision: 7, atMs: 1_000, title: 'T' },
  });

  it('comes first, is numbered like the rest, and is not stored again', async () => {
    log.seed([before('a'), before('b')]);
    log.add([event('c')], 9);
    await settle();
    expect(log.after(0, 10).map(({ sequence, message }) => [sequence, message])).toEqual([
      [1, 'a'],
      [2, 'b'],
      [3, 'c'],
    ]);
    expect(log.next(log.stored, 10).map(({ message, revision }) => [message, revision])).toEqual([
      ['c', 9],
    ]);
  });

  it('is handed on in parts, oldest first', async () => {
    log.add(
      ['a', 'b', 'c'].map((message) => event(message)),
      null,
    );
    await settle();
    expect(log.next(0, 2).map(({ message }) => message)).toEqual(['a', 'b']);
    expect(log.next(2, 2).map(({ message }) => message)).toEqual(['c']);
    expect(log.next(3, 2)).toEqual([]);
  });
});
