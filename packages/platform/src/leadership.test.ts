import { TERM_RULES } from '@podctl/domain/term.ts';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { Kv } from './kv.ts';
import { Leadership, type LeadershipOptions, type Reign } from './leadership.ts';
import { ManualClock } from './twin/manual-clock.ts';
import type { WriteFault } from './twin/memory-kv.ts';
import { type MemoryClient, MemoryNats } from './twin/memory-nats.ts';

/** What twin and server share is tested in test/conformance; here: lost answers, cut lines, and many seeds. */
describe('leadership under faults', () => {
  let clock: ManualClock;
  let nats: MemoryNats;
  let bytesGiven = 0;
  let stops: (() => Promise<void>)[] = [];

  beforeEach(() => {
    clock = new ManualClock();
    nats = new MemoryNats(clock, { onError: (error) => expect.fail(String(error)) });
  });
  afterEach(async () => {
    await Promise.all(stops.map((stop) => finish(stop())));
    stops = [];
    nats.stop();
    expect(clock.sleeping()).toBe(0);
  });

  async function finish<T>(promise: Promise<T>): Promise<T> {
    let isSettled = false;
    const mark = () => {
      isSettled = true;
    };
    promise.then(mark, mark);
    for (let step = 0; step < 1_000 && !isSettled; step++) await clock.advance(100);
    return promise;
  }

  const candidate = (name: string, more: Partial<LeadershipOptions> = {}) => {
    const client = nats.client(name);
    const reigns: Reign[] = [];
    const leadership = new Leadership({
      kv: client.kv('lead'),
      clock,
      rules: TERM_RULES,
      coordinator: name,
      address: `${name}:1`,
      randomBytes: (count) => numbered(count),
      onLead: (reign, signal) => {
        reigns.push(reign);
        return new Promise((resolve) => {
          signal.addEventListener('abort', () => resolve(), { once: true });
        });
      },
      onError: () => undefined,
      ...more,
    });
    stops.push(() => leadership.stop());
    return { client, reigns, leadership };
  };
  /** Distinct, and the same in each run. */
  const numbered = (count: number) => {
    bytesGiven += 1;
    const bytes = new Uint8Array(count);
    new DataView(bytes.buffer).setUint32(0, bytesGiven);
    return bytes;
  };

  test.each(['landed', 'lost'] as const)(
    'one renewal with its answer %s costs no reign',
    async (fault) => {
      const a = candidate('a');
      await a.leadership.start();
      await clock.advance(1_000);
      nats.faultNextWrite({ kind: fault });
      await clock.advance(30_000);
      expect(a.reigns).toHaveLength(1);
      expect(a.reigns[0]?.isTrusted()).toBe(true);
    },
  );

  test('a renewal that lands after the next was tried costs no reign', async () => {
    const a = candidate('a');
    await a.leadership.start();
    await clock.advance(1_000);
    // Read again after 250 ms, which finds the old one; the next is then sent at the instant when the late one lands.
    nats.faultNextWrite({ kind: 'late', afterMs: TERM_RULES.retryMs });
    await clock.advance(30_000);
    expect(a.reigns).toHaveLength(1);
    expect(a.reigns[0]?.isTrusted()).toBe(true);
  });

  test('a lead is handed over at once though its key could not be read at the first look', async () => {
    const kv = nats.client('unreliable').kv('lead');
    let failures = 0;
    const unreliable: Kv = {
      get: (key, signal) =>
        failures-- > 0 ? Promise.reject(new Error('no answer')) : kv.get(key, signal),
      cas: (...of) => kv.cas(...of),
      remove: (...of) => kv.remove(...of),
      put: (...of) => kv.put(...of),
      tail: (sink) => kv.tail(sink),
    };
    const a = candidate('a', { kv: unreliable });
    await a.leadership.start();
    await clock.advance(1_000);
    const b = candidate('b');
    await b.leadership.start();
    await clock.advance(1_000);
    expect(b.reigns).toHaveLength(0);
    failures = 1;
    await finish(a.leadership.stop());
    await clock.advance(500);
    expect(b.reigns).toHaveLength(1);
  });

  test('a leader that is cut off is not trusted five seconds after its last renewal was sent', async () => {
    const a = candidate('a');
    await a.leadership.start();
    await clock.advance(100);
    a.client.cut();
    await clock.advance(4_899);
    expect(a.reigns[0]?.isTrusted()).toBe(true);
    await clock.advance(1);
    expect(a.reigns[0]?.isTrusted()).toBe(false);
    expect(a.leadership.term()).toBeNull();
    a.client.heal();
    await clock.advance(10_000);
    expect(a.reigns).toHaveLength(2);
  });

  test('a create whose answer was lost does not block its own coordinator', async () => {
    nats.faultNextWrite({ kind: 'landed' });
    const a = candidate('a');
    await a.leadership.start();
    await clock.advance(1_000);
    expect(a.reigns).toHaveLength(1);
    expect(a.reigns[0]?.epoch).toBe(2);
  });

  test('work that goes on after the reign ended holds the next stand back', async () => {
    const ends = Promise.withResolvers<void>();
    const begun: number[] = [];
    const a = candidate('a', {
      onLead: async (reign) => {
        begun.push(reign.epoch);
        if (begun.length === 1) await ends.promise;
      },
    });
    await a.leadership.start();
    await clock.advance(100);
    a.client.cut();
    await clock.advance(10_000);
    a.client.heal();
    await clock.advance(20_000);
    expect(begun).toHaveLength(1);
    ends.resolve();
    await clock.advance(10_000);
    expect(begun.length).toBeGreaterThan(1);
  });

  test.each(Array.from({ length: 60 }, (_, seed) => seed))(
    'at most one of three is trusted at any instant, and in peace one leads (seed %i)',
    async (seed) => {
      const random = randomFrom(seed);
      const three = ['a', 'b', 'c'].map((name) => candidate(name));
      nats.writeFault = () => randomFault(random);
      for (const each of three) await each.leadership.start();
      const trusted = () => three.flatMap((each) => each.reigns).filter((each) => each.isTrusted());
      for (let step = 0; step < 600; step++) {
        await clock.advance(100);
        expect(trusted().length).toBeLessThanOrEqual(1);
        disturb(three[Math.floor(random() * 3)]?.client, random);
      }
      nats.writeFault = () => ({ kind: 'none' });
      for (const each of three) each.client.heal();
      await clock.advance(30_000);
      expect(trusted()).toHaveLength(1);
      const epochs = three.flatMap((each) => each.reigns.map((reign) => reign.epoch));
      expect(new Set(epochs).size).toBe(epochs.length);
    },
  );
});

function randomFault(random: () => number): WriteFault {
  if (random() < 0.7) return { kind: 'none' };
  const kinds = ['landed', 'lost', 'late'] as const;
  const kind = kinds[Math.floor(random() * 3)] ?? 'lost';
  return kind === 'late' ? { kind, afterMs: random() * 9_000 } : { kind };
}

function disturb(client: MemoryClient | undefined, random: () => number): void {
  const chance = random();
  if (chance < 0.03) client?.cut();
  else if (chance < 0.09) client?.heal();
  else if (chance < 0.11) client?.blindTails();
}

/** A small generator with a seed: Lehmer's, with the modulus 2^31 - 1. */
function randomFrom(seed: number): () => number {
  let state = (seed + 1) * 48_271;
  return () => {
    state = (state * 48_271) % 2_147_483_647;
    return state / 2_147_483_647;
  };
}
