import type { AgentId, FeedId } from '@podctl/domain/ids.ts';
import type { EventStream } from '@podctl/platform/event-stream.ts';
import { ManualClock } from '@podctl/platform/twin/manual-clock.ts';
import { MemoryNats } from '@podctl/platform/twin/memory-nats.ts';
import { beforeEach, describe, expect, test } from 'vitest';
import { type EventFields, storeEvent } from '../../../../test/support/stored-events.ts';
import { EventArchive, type EventPage, type EventQuery } from './event-archive.ts';

const all: EventQuery = { types: [], feed: null, agent: null, sinceMs: null };
const signal = new AbortController().signal;
const beta = 'beta' as FeedId;
const DAY = Date.UTC(2026, 0, 1);

let nats: MemoryNats;
let stream: EventStream;
let archive: EventArchive;
let reads: number;
beforeEach(() => {
  nats = new MemoryNats(new ManualClock(DAY), { onError: () => {} });
  const real = nats.client('one').events();
  reads = 0;
  stream = {
    append: (event) => real.append(event),
    read: (...of) => {
      reads += 1;
      return real.read(...of);
    },
    bounds: (of) => real.bounds(of),
    onAppend: (listener) => real.onAppend(listener),
  };
  archive = new EventArchive(stream);
});

async function happened(count: number, fieldsOf: (n: number) => EventFields = () => ({})) {
  for (let n = 1; n <= count; n += 1) await storeEvent(stream, n, fieldsOf(n));
}
const told = ({ events }: EventPage) => events.map(({ revision }) => revision);
const page = (query: Partial<EventQuery>, after = 0, size = 100) =>
  archive.page({ ...all, ...query }, after, size, signal);
const newest = (query: Partial<EventQuery>, count: number) =>
  archive.newest({ ...all, ...query }, count, signal);

describe('a page', () => {
  test('goes on where the last one ended, until nothing follows', async () => {
    await happened(5);
    const first = await page({}, 0, 2);
    expect([told(first), first.sequence, first.isEnd]).toEqual([[1, 2], 2, false]);
    const rest = await page({}, first.sequence, 100);
    expect([told(rest), rest.sequence, rest.isEnd]).toEqual([[3, 4, 5], 5, true]);
    const none = await page({}, rest.sequence);
    expect([told(none), none.sequence, none.isEnd]).toEqual([[], 5, true]);
  });

  test('holds what is of one of the types, of the feed, of the agent, and not before the time', async () => {
    await happened(6, (n) => ({
      type: (['job_done', 'job_dead', 'library'] as const)[n % 3] ?? 'job_done',
      feed: n > 3 ? beta : null,
      agent: (n === 5 ? 'gpu-2' : 'gpu-1') as AgentId,
    }));
    expect(told(await page({ types: ['job_dead'] }))).toEqual([1, 4]);
    expect(told(await page({ types: ['job_dead', 'library'] }))).toEqual([1, 2, 4, 5]);
    expect(told(await page({ feed: beta }))).toEqual([4, 5, 6]);
    expect(told(await page({ feed: beta, agent: 'gpu-2' as AgentId }))).toEqual([5]);
    expect(told(await page({ sinceMs: DAY + 5 }))).toEqual([5, 6]);
    expect(told(await page({ sinceMs: DAY + 99_999 }))).toEqual([]);
  });

  test('takes its size of what matches, not of what is looked at', async () => {
    await happened(1_200, (n) => ({ type: n % 400 === 0 ? 'job_dead' : 'job_done' }));
    const query = { types: ['job_dead', 'library'] };
    const first = await page(query, 0, 2);
    expect([told(first), first.isEnd]).toEqual([[400, 800], false]);
    expect(told(await page(query, first.sequence, 2))).toEqual([1_200]);
  });

  test('passes over what it cannot read', async () => {
    const garbage = { id: 'x', type: 'job_done', feed: null, agent: null };
    await stream.append({ ...garbage, data: new TextEncoder().encode('{"at":') });
    await happened(1);
    expect(told(await page({}))).toEqual([1]);
  });
});

describe('the newest', () => {
  test('are found without reading the past', async () => {
    await happened(5_000);
    reads = 0;
    expect(told(await newest({}, 3))).toEqual([4_998, 4_999, 5_000]);
    expect(reads).toBe(1);
  });

  test('are found however long ago they were', async () => {
    await happened(3_000, (n) => ({ type: n === 2 || n === 2_900 ? 'job_dead' : 'job_done' }));
    const dead = await newest({ types: ['job_dead'] }, 2);
    expect([told(dead), dead.sequence]).toEqual([[2, 2_900], 2_900]);
    expect(told(await newest({ types: ['job_dead'] }, 1))).toEqual([2_900]);
    expect(told(await newest({ types: ['job_dead', 'library'], sinceMs: DAY + 3 }, 9))).toEqual([
      2_900,
    ]);
  });

  test('are those that are still kept', async () => {
    await happened(10);
    nats.events.forget(8);
    expect(told(await newest({}, 5))).toEqual([9, 10]);
    nats.events.forget(2);
    const none = await newest({}, 5);
    expect([told(none), none.sequence]).toEqual([[], 0]);
  });

  test('are looked for among so many and no more, and those that were found are given', async () => {
    await happened(30_000, (n) => ({ type: n === 2 || n === 29_000 ? 'job_dead' : 'job_done' }));
    reads = 0;
    expect(told(await newest({ types: ['job_dead', 'library'] }, 2))).toEqual([29_000]);
    expect(reads).toBe(40);
  });

  test('are the newest also where all of a window are meant', async () => {
    await happened(9_000, (n) => ({ type: n < 8_000 || n > 8_990 ? 'job_dead' : 'job_done' }));
    const found = told(await newest({ types: ['job_dead'] }, 1_000));
    expect([found.length, found[0], found.at(-1)]).toEqual([1_000, 7_010, 9_000]);
  });

  test('and what a lagging replica has not shown yet: who goes on after them misses nothing', async () => {
    await happened(10);
    const real = stream.read;
    stream.read = async (...of) =>
      (await real.apply(stream, of)).filter(({ sequence }) => sequence <= 8);
    const found = await newest({}, 3);
    stream.read = real;
    expect(told(found)).toEqual([6, 7, 8]);
    expect(told(await page({}, found.sequence))).toEqual([9, 10]);
  });
});
