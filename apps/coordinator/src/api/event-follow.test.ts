import type { EventStream } from '@podctl/platform/event-stream.ts';
import { ManualClock } from '@podctl/platform/twin/manual-clock.ts';
import { MemoryNats } from '@podctl/platform/twin/memory-nats.ts';
import { beforeEach, describe, expect, test } from 'vitest';
import { storeEvent } from '../../../../test/support/stored-events.ts';
import { EventArchive } from '../shell/event-archive.ts';
import { followEvents } from './event-follow.ts';

const all = { types: [], feed: null, agent: null, sinceMs: null };

let clock: ManualClock;
let real: EventStream;
let reads: number;
let words: (() => void)[];
beforeEach(() => {
  clock = new ManualClock();
  real = new MemoryNats(clock, { onError: () => {} }).client('one').events();
  reads = 0;
  words = [];
});

/** A follower of a stream whose word of news is given by hand. */
function follower(after = 0) {
  const stream: EventStream = {
    append: (event) => real.append(event),
    read: (...of) => {
      reads += 1;
      return real.read(...of);
    },
    bounds: (of) => real.bounds(of),
    onAppend: (listener) => {
      words.push(listener);
      return () => words.splice(words.indexOf(listener), 1);
    },
  };
  const leaving = new AbortController();
  const told: (number | null)[][] = [];
  const sequences: number[] = [];
  let held: PromiseWithResolvers<void> | null = null;
  const ended = followEvents(
    new EventArchive(stream),
    all,
    after,
    clock,
    async (events, sequence) => {
      told.push(events.map(({ revision }) => revision));
      sequences.push(sequence);
      await held?.promise;
    },
    leaving.signal,
  ).catch((reason: unknown) => reason);
  return {
    ...{ told, sequences, ended },
    leave: () => leaving.abort('left'),
    hold: () => {
      held = Promise.withResolvers();
      return held.resolve;
    },
  };
}

const word = () => {
  for (const tell of words) tell();
};

describe('who follows the events', () => {
  test('gets what is there after a sequence, then what comes, each once', async () => {
    for (const n of [1, 2, 3]) await storeEvent(real, n);
    const one = follower(1);
    await clock.advance(0);
    expect([one.told, one.sequences]).toEqual([[[2, 3]], [3]]);
    await storeEvent(real, 4);
    word();
    await clock.advance(100);
    expect([one.told, one.sequences]).toEqual([
      [[2, 3], [4]],
      [3, 4],
    ]);
    one.leave();
    expect(await one.ended).toBe('left');
    expect(words).toEqual([]);
  });

  test('gets it though the word came before it could be read', async () => {
    const one = follower();
    await clock.advance(60_000);
    word();
    await clock.advance(10);
    await storeEvent(real, 1);
    await clock.advance(240);
    expect(one.told.flat()).toEqual([1]);
    one.leave();
  });

  test('gets it within seconds though the word was lost', async () => {
    const one = follower();
    await clock.advance(60_000);
    await storeEvent(real, 1);
    await clock.advance(5_000);
    expect(one.told.flat()).toEqual([1]);
    one.leave();
  });

  test('gets what comes in a burst in few messages, and costs few reads', async () => {
    const one = follower();
    await clock.advance(60_000);
    reads = 0;
    for (let n = 1; n <= 500; n += 1) {
      await storeEvent(real, n);
      word();
      await clock.advance(2);
    }
    await clock.advance(100);
    expect(one.told.flat()).toHaveLength(500);
    expect(reads).toBeLessThan(30);
    one.leave();
  });

  test('hears each 10 s that the stream lives, and little is read for that', async () => {
    const one = follower();
    await clock.advance(65_000);
    expect(one.told).toEqual([[], [], [], [], [], []].slice(0, one.told.length));
    expect(one.told.length).toBeGreaterThanOrEqual(4);
    expect(reads).toBeLessThan(20);
    one.leave();
  });

  test('keeps nothing waiting while it does not read, and then finds all of it, 500 at a time', async () => {
    const one = follower();
    await clock.advance(0);
    const release = one.hold();
    await storeEvent(real, 1);
    word();
    await clock.advance(100);
    const before = reads;
    for (let n = 2; n <= 2_001; n += 1) await storeEvent(real, n);
    for (let n = 0; n < 100; n += 1) {
      word();
      await clock.advance(1_000);
    }
    expect([one.told.length, reads]).toEqual([1, before]);
    one.hold()();
    release();
    await clock.advance(100);
    expect(one.told.map((events) => events.length)).toEqual([1, 500, 500, 500, 500]);
    one.leave();
  });
});
