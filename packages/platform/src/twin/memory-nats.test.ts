import { beforeEach, describe, expect, test } from 'vitest';
import type { KvEntry } from '../kv.ts';
import { ManualClock } from './manual-clock.ts';
import { MemoryNats } from './memory-nats.ts';

const bytes = (text: string) => new TextEncoder().encode(text);

/** What twin and server share is tested in test/conformance; here: the faults that only the twin can make. */
describe('the faults of the twin', () => {
  let clock: ManualClock;
  let nats: MemoryNats;
  const errors: unknown[] = [];

  beforeEach(() => {
    clock = new ManualClock();
    nats = new MemoryNats(clock, { onError: (error) => errors.push(error) });
  });

  test('a write whose answer is lost has landed', async () => {
    const kv = nats.client('a').kv('b');
    nats.faultNextWrite({ kind: 'landed' });
    expect(await kv.cas('k', 0, bytes('1'))).toMatchObject({ kind: 'unknown' });
    expect(await kv.get('k')).toMatchObject({ revision: 1 });
    expect(await kv.cas('k', 1, bytes('2'))).toEqual({ kind: 'written', revision: 2 });
  });

  test('a lost write has not', async () => {
    const kv = nats.client('a').kv('b');
    nats.faultNextWrite({ kind: 'lost' });
    expect(await kv.cas('k', 0, bytes('1'))).toMatchObject({ kind: 'unknown' });
    expect(await kv.get('k')).toBeNull();
  });

  test('a late write lands later if its revision still stands, and not otherwise', async () => {
    const kv = nats.client('a').kv('b');
    nats.faultNextWrite({ kind: 'late', afterMs: 100 });
    await kv.cas('k', 0, bytes('late'));
    nats.faultNextWrite({ kind: 'late', afterMs: 100 });
    await kv.cas('other', 0, bytes('late'));
    await kv.cas('other', 0, bytes('first'));
    expect(await kv.get('k')).toBeNull();
    await clock.advance(100);
    expect(await kv.get('k')).toMatchObject({ kind: 'value', revision: 2, value: bytes('late') });
    expect(await kv.get('other')).toMatchObject({ value: bytes('first') });
  });

  test('a client that is cut off hears nothing and reaches nothing; healed, its tail has no hole', async () => {
    const client = nats.client('a');
    const kv = client.kv('b');
    const other = nats.client('other');
    const seen: KvEntry[] = [];
    const tail = kv.tail({ entry: (entry) => seen.push(entry), current: () => undefined });
    await tail.start();
    await clock.advance(0);
    client.cut();
    await other.kv('b').put('x', bytes('1'));
    const written = kv.cas('k', 0, bytes('1'));
    const asked = client.bus.request('anybody', bytes(''), { timeoutMs: 500 }).catch((e) => e.code);
    await clock.advance(1_000);
    expect(await written).toMatchObject({ kind: 'unknown' });
    expect(await asked).toBe('timeout');
    expect(tail.state().phase).toBe('silent');
    expect(seen).toEqual([]);
    client.heal();
    await clock.advance(0);
    expect(seen.map((entry) => entry.key)).toEqual(['x']);
    expect(tail.state()).toMatchObject({ phase: 'live', recreated: 1, revision: 1 });
    await tail.stop();
  });

  test('a recorder sees every revision, and nothing is left asleep after stop', async () => {
    const kv = nats.client('a').kv('b');
    const all: number[] = [];
    nats.bucket('b').onWrite((entry) => all.push(entry.revision));
    await kv.cas('k', 0, bytes('1'), { ttlMs: 1_000 });
    await kv.cas('k', 1, bytes('2'), { ttlMs: 1_000 });
    await clock.advance(1_000);
    expect(all).toEqual([1, 2, 3]);
    await kv.cas('k', 3, bytes('3'), { ttlMs: 1_000 });
    nats.stop();
    await clock.advance(0);
    expect(clock.sleeping()).toBe(0);
    expect(errors).toEqual([]);
  });
});
