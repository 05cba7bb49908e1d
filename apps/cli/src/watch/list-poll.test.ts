import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { ListPoll } from './list-poll.ts';
import type { Listing } from './watch-picture.ts';

let calls: PromiseWithResolvers<readonly string[]>[];
let told: Listing<string>[];
let poll: ListPoll<string>;

beforeEach(() => {
  vi.useFakeTimers();
  calls = [];
  told = [];
  const read = () => {
    const call = Promise.withResolvers<readonly string[]>();
    calls.push(call);
    return call.promise;
  };
  poll = new ListPoll(read, 2_000, (listing) => told.push(listing));
});

afterEach(() => {
  poll.close();
  vi.useRealTimers();
});

const pass = (ms: number) => vi.advanceTimersByTimeAsync(ms);

test('asks at once, then each two seconds, and only while somebody looks', async () => {
  await pass(10_000);
  expect(calls).toHaveLength(0);
  poll.open(true);
  calls[0]?.resolve(['a']);
  await pass(2_000);
  expect([calls.length, told.at(-1)?.items]).toEqual([2, ['a']]);
  calls[1]?.resolve(['b']);
  await pass(100);
  poll.open(false);
  await pass(10_000);
  expect(calls).toHaveLength(2);
});

test('a slow answer is waited for, and one that comes after nobody looks is not told', async () => {
  poll.open(true);
  poll.open(true);
  await pass(10_000);
  expect(calls).toHaveLength(1);
  poll.open(false);
  calls[0]?.resolve(['late']);
  await pass(10_000);
  expect([calls.length, told]).toEqual([1, []]);
});

test('a failure keeps the older list and says why', async () => {
  poll.open(true);
  calls[0]?.resolve(['a']);
  await pass(2_000);
  calls[1]?.reject(new Error('nobody there'));
  await pass(1);
  expect(told.at(-1)).toMatchObject({ items: ['a'], problem: 'nobody there' });
  await pass(2_000);
  expect(calls).toHaveLength(3);
});
