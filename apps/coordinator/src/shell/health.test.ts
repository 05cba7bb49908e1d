import { CLUSTER_KEY } from '@podctl/domain/key.ts';
import { ManualClock } from '@podctl/platform/twin/manual-clock.ts';
import { MemoryNats } from '@podctl/platform/twin/memory-nats.ts';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { Health } from './health.ts';
import type { WriteWatch } from './write-watch.ts';

const VALUE = new Uint8Array([1]);
const EVERY_MS = 5_000;
const SAID = 'the state cannot be written since 10 s: no answer (twin)';

let clock: ManualClock;
let nats: MemoryNats;
let client: ReturnType<MemoryNats['client']>;
let health: Health;
beforeEach(() => {
  clock = new ManualClock();
  nats = new MemoryNats(clock, {
    timeoutMs: 0,
    onError: (error) => {
      throw error;
    },
  });
  client = nats.client('one');
  const [state, meta, lead] = ['state', 'meta', 'lead'].map((name) => client.kv(name));
  if (state === undefined || meta === undefined || lead === undefined) throw new Error('three');
  health = new Health({ clock, state, meta, lead, coordinator: 'one' });
});
afterEach(() => nats.stop());

/** Three writes over ten seconds. */
async function thrice(write: () => Promise<unknown>): Promise<void> {
  for (const pauseMs of [EVERY_MS, EVERY_MS, 0]) {
    await Promise.all([write().catch(() => {}), clock.advance(0)]);
    await clock.advance(pauseMs);
  }
}

const ways: readonly (readonly [string, (bucket: WriteWatch) => Promise<unknown>])[] = [
  ['a compare-and-set', (bucket) => bucket.cas(CLUSTER_KEY, 0, VALUE)],
  ['a removal', (bucket) => bucket.remove(CLUSTER_KEY, 0)],
  ['a put', (bucket) => bucket.put(CLUSTER_KEY, VALUE)],
];

describe.each(['state', 'meta', 'lead'] as const)('the bucket %s', (name) => {
  it.each(ways)('that takes no writes is told, found out by %s', async (_way, write) => {
    client.cut();
    await thrice(() => write(health.buckets[name]));
    expect(health.writeProblem()).toBe(SAID);
    expect(health.failedWrites()).toEqual({ state: 0, meta: 0, lead: 0, [name]: 3 });
    client.heal();
    await health.buckets[name].put(CLUSTER_KEY, VALUE);
    expect(health.writeProblem()).toBe('');
  });
});

describe('a good write', () => {
  it('to one bucket says nothing of another one, which may be full by itself', async () => {
    client.cut();
    await thrice(() => health.buckets.state.cas(CLUSTER_KEY, 0, VALUE));
    client.heal();
    await health.buckets.lead.put(CLUSTER_KEY, VALUE);
    expect(health.writeProblem()).toBe(SAID);
  });

  it('is passed on as it was answered, and a put that fails still throws', async () => {
    const { state } = health.buckets;
    expect(await state.cas(CLUSTER_KEY, 0, VALUE)).toEqual({ kind: 'written', revision: 1 });
    expect(await state.cas(CLUSTER_KEY, 0, VALUE)).toEqual({ kind: 'conflict' });
    expect(await state.get(CLUSTER_KEY)).toMatchObject({ kind: 'value', revision: 1 });
    client.cut();
    await expect(Promise.all([state.put(CLUSTER_KEY, VALUE), clock.advance(0)])).rejects.toThrow(
      'did not answer',
    );
  });
});

describe('the lead', () => {
  const vacantAfter = async (ms: number) => {
    await clock.advance(ms);
    return health.vacancyProblem();
  };

  it('is missed from the start, until somebody has it', async () => {
    expect(await vacantAfter(12_000)).toBe('no coordinator leads since 10 s');
    health.noteLead(false, { coordinator: 'two' });
    expect(await vacantAfter(60_000)).toBe('');
  });

  it('is missed from the first moment without a leader, and an own leftover key is none', async () => {
    health.noteLead(true, { coordinator: 'one' });
    expect(await vacantAfter(60_000)).toBe('');
    health.noteLead(false, { coordinator: 'one' });
    await clock.advance(6_000);
    health.noteLead(false, null);
    expect(await vacantAfter(6_000)).toBe('no coordinator leads since 10 s');
    health.noteLead(true, null);
    expect(health.vacancyProblem()).toBe('');
  });
});
