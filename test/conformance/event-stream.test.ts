import type { AgentId, FeedId } from '@podctl/domain/ids.ts';
import {
  EVERY_EVENT,
  type EventFilter,
  type EventStream,
  type EventsFrom,
} from '@podctl/platform/event-stream.ts';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { WORLDS, type World, type WorldClient } from './world.ts';

const alpha = 'alpha' as FeedId;
const beta = 'beta' as FeedId;
const gpu = 'gpu-1' as AgentId;
const signal = new AbortController().signal;
const START: EventsFrom = { kind: 'after', sequence: 0 };

describe.each(WORLDS)('the stream of events on the $name', (kind) => {
  let world: World;
  let client: WorldClient;
  let stream: EventStream;

  beforeAll(async () => {
    world = await kind.make();
    client = await world.connect('events');
    stream = client.events();
  });
  afterAll(() => world.stop());

  const append = (id: string, fields: Partial<Parameters<EventStream['append']>[0]> = {}) =>
    stream.append({
      ...{ id, type: 'job_done', feed: alpha, agent: gpu },
      ...{ data: new TextEncoder().encode(`of ${id}`), ...fields },
    });
  const read = async (from: EventsFrom, filter: Partial<EventFilter> = {}, limit = 100) => {
    const found = await stream.read(from, { ...EVERY_EVENT, ...filter }, limit, signal);
    return found.map(({ id }) => id);
  };

  test('keeps what is appended, in order, whoever reads it; a repeat of an id is not kept twice', async () => {
    expect(await read(START)).toEqual([]);
    expect(await stream.bounds(signal)).toEqual({ first: 1, last: 0 });
    expect(await append('a')).toEqual({ sequence: 1, repeated: false });
    await append('b', { type: 'job_dead', agent: null });
    expect(await append('a')).toEqual({ sequence: 1, repeated: true });
    await append('c', { feed: null });
    await append('d', { feed: beta, agent: null });
    const other = (await world.connect('reader')).events();
    const all = await other.read(START, EVERY_EVENT, 10, signal);
    expect(all.map(({ id, data }) => [id, new TextDecoder().decode(data)])).toEqual(
      ['a', 'b', 'c', 'd'].map((id) => [id, `of ${id}`]),
    );
    expect(await other.bounds(signal)).toEqual({ first: 1, last: all[3]?.sequence });
  });

  test('is read on after a sequence, in parts, and by type, feed and agent', async () => {
    expect(await read(START, {}, 2)).toEqual(['a', 'b']);
    expect(await read({ kind: 'after', sequence: 2 })).toEqual(['c', 'd']);
    expect(await read({ kind: 'after', sequence: 99 })).toEqual([]);
    expect(await read(START, { type: 'job_dead' })).toEqual(['b']);
    expect(await read(START, { feed: alpha })).toEqual(['a', 'b']);
    expect(await read(START, { feed: alpha, agent: gpu })).toEqual(['a']);
    expect(await read(START, { agent: gpu }, 1)).toEqual(['a']);
    expect(await read(START, { type: 'library' })).toEqual([]);
  });

  test('is read since a time', async () => {
    const hour = 3_600_000;
    const nowMs = world.clock.wallMs();
    expect(await read({ kind: 'since', storedMs: nowMs - hour })).toEqual(['a', 'b', 'c', 'd']);
    expect(await read({ kind: 'since', storedMs: nowMs + hour })).toEqual([]);
  });

  test('tells those who listen that something is there, until they leave', async () => {
    const told = Promise.withResolvers<void>();
    let calls = 0;
    const other = (await world.connect('listener')).events();
    const leave = other.onAppend(() => {
      calls += 1;
      told.resolve();
    });
    // Its subscription is known to the server once an answer came over the same connection.
    await other.bounds(signal);
    await append('e');
    await told.promise;
    leave();
    await other.bounds(signal);
    const before = calls;
    await append('f');
    await other.bounds(signal);
    expect(calls).toBe(before);
  });

  test('many are read in one go, though the server answers in parts', async () => {
    const { last } = await stream.bounds(signal);
    await Promise.all(Array.from({ length: 1_200 }, (_, i) => append(`many ${i}`)));
    const found = await read({ kind: 'after', sequence: last }, {}, 5_000);
    expect([found.length, new Set(found).size]).toEqual([1_200, 1_200]);
    expect(await read({ kind: 'after', sequence: last }, {}, 700)).toHaveLength(700);
  });

  test('without a connection every call rejects, and the same works once it is back', async () => {
    const other = await world.connect('gone');
    const lost = other.events();
    await lost.bounds(signal);
    await other.kill();
    await expect(world.pass(lost.bounds(signal))).rejects.toThrow(/did not answer/);
    await expect(world.pass(lost.read(START, EVERY_EVENT, 1, signal))).rejects.toThrow(
      /did not answer/,
    );
    const event = { id: 'x', type: 'library', feed: null, agent: null, data: new Uint8Array() };
    await expect(world.pass(lost.append(event))).rejects.toThrow(/did not answer/);
    await expect(lost.read(START, EVERY_EVENT, 1, AbortSignal.abort('left'))).rejects.toBe('left');
  });
});
