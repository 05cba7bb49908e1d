import { randomBytes } from 'node:crypto';
import { nonceFrom } from '@podctl/domain/ids.ts';
import { LEADER_KEY } from '@podctl/domain/key.ts';
import { TERM_RULES, type TermRules } from '@podctl/domain/term.ts';
import type { Kv } from '@podctl/platform/kv.ts';
import { encodeLeader } from '@podctl/platform/leader-record.ts';
import { Leadership, type LeadershipOptions, type Reign } from '@podctl/platform/leadership.ts';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { TailRecorder } from './tail-recorder.ts';
import { WORLDS, type World, type WorldClient } from './world.ts';

/** A third of the real ones, so that the real server's clock is waited for less; it keeps whole seconds. */
const rules: TermRules = {
  ttlMs: 2_000,
  renewEveryMs: 600,
  marginMs: 300,
  pollEveryMs: 600,
  retryMs: 100,
};

/** A coordinator that leads until it is told to stop, and says when. */
class Candidate {
  readonly name: string;
  readonly leadership: Leadership;
  readonly errors: unknown[] = [];
  reigns: Reign[] = [];
  working = 0;
  readonly #known = new Map<string, PromiseWithResolvers<void>>();
  #led = Promise.withResolvers<Reign>();
  #stepped = Promise.withResolvers<void>();

  constructor(name: string, kv: Kv, world: World, more: Partial<LeadershipOptions> = {}) {
    this.name = name;
    this.leadership = new Leadership({
      kv,
      clock: world.clock,
      rules,
      coordinator: name,
      address: `${name}:1`,
      randomBytes,
      onLead: (reign, signal) => this.#work(reign, signal),
      onLeader: (leader) => this.#knownFor(leader?.coordinator ?? 'nobody').resolve(),
      onError: (error) => this.errors.push(error),
      ...more,
    });
  }

  get led(): Promise<Reign> {
    return this.#led.promise;
  }

  get steppedDown(): Promise<void> {
    return this.#stepped.promise;
  }

  /** Resolves when this one has seen that the other leads. */
  knows(coordinator: string): Promise<void> {
    return this.#knownFor(coordinator).promise;
  }

  #knownFor(coordinator: string): PromiseWithResolvers<void> {
    const known = this.#known.get(coordinator) ?? Promise.withResolvers<void>();
    this.#known.set(coordinator, known);
    return known;
  }

  async #work(reign: Reign, signal: AbortSignal): Promise<void> {
    this.working += 1;
    this.reigns.push(reign);
    this.#led.resolve(reign);
    await new Promise<void>((resolve) => {
      if (signal.aborted) resolve();
      signal.addEventListener('abort', () => resolve(), { once: true });
    });
    this.working -= 1;
    this.#stepped.resolve();
  }
}

describe.each(WORLDS)('leadership on the $name', (kind) => {
  let world: World;
  let bucket = '';
  let count = 0;
  let clients: WorldClient[] = [];
  let candidates: Candidate[] = [];

  beforeAll(async () => {
    world = await kind.make();
  });
  afterAll(() => world.stop());
  beforeEach(() => {
    count += 1;
    bucket = `lead${count}`;
  });
  afterEach(async () => {
    await Promise.all(candidates.map((each) => world.pass(each.leadership.stop())));
    for (const client of clients) await client.kill();
    clients = [];
    candidates = [];
  });

  const candidate = async (name: string, more?: Partial<LeadershipOptions>) => {
    const client = await world.connect(`${name}${count}`);
    const made = new Candidate(name, await client.kv(bucket), world, more);
    clients.push(client);
    candidates.push(made);
    return { made, client };
  };
  const key = async () => {
    const client = await world.connect(`reader${count}${clients.length}`);
    clients.push(client);
    return client.kv(bucket);
  };

  test('of two that start at once exactly one leads, and both know who', async () => {
    const a = (await candidate('a')).made;
    const b = (await candidate('b')).made;
    await Promise.all([a.leadership.start(), b.leadership.start()]);
    const reign = await world.pass(Promise.race([a.led, b.led]));
    const [leader, follower] = a.reigns.length > 0 ? [a, b] : [b, a];
    const recorder = await TailRecorder.start(await key());
    await world.pass(recorder.until(() => recorder.entries.length >= 3));
    await recorder.tail.stop();
    expect([leader.working, follower.working]).toEqual([1, 0]);
    expect(reign.isTrusted()).toBe(true);
    expect(leader.leadership.term()?.epoch).toBe(reign.epoch);
    expect(follower.leadership.term()).toBeNull();
    expect(follower.leadership.leader()).toMatchObject({
      coordinator: leader.name,
      address: `${leader.name}:1`,
      epoch: reign.epoch,
    });
  });

  test('the epoch is the revision of the create that won, and every renewal names it', async () => {
    const { made } = await candidate('a');
    const recorder = await TailRecorder.start(await key());
    await made.leadership.start();
    const reign = await world.pass(made.led);
    await world.pass(recorder.until(() => recorder.entries.length >= 3));
    await recorder.tail.stop();
    const records = recorder.entries.map((entry) =>
      entry.kind === 'value' ? JSON.parse(new TextDecoder().decode(entry.value)) : null,
    );
    expect(recorder.entries[0]?.revision).toBe(reign.epoch);
    expect(records.map((record) => record?.epoch)).toEqual([null, reign.epoch, reign.epoch]);
    expect(new Set(records.map((record) => record?.nonce)).size).toBe(3);
    expect(reign.isTrusted()).toBe(true);
    expect(made.errors).toEqual([]);
  });

  test('a polite stop hands over at once, long before the key would expire', async () => {
    const a = (await candidate('a')).made;
    await a.leadership.start();
    const first = await world.pass(a.led);
    const b = (await candidate('b')).made;
    await b.leadership.start();
    await world.pass(b.knows('a'));
    const startMs = world.clock.monotonicMs();
    await world.pass(a.leadership.stop());
    const second = await world.pass(b.led);
    expect(world.clock.monotonicMs() - startMs).toBeLessThan(500);
    expect([a.working, b.working]).toEqual([0, 1]);
    expect(first.isTrusted()).toBe(false);
    expect(a.leadership.term()).toBeNull();
    expect(second.epoch).toBeGreaterThan(first.epoch);
  });

  test('a killed leader steps down by itself before its key expires and another takes over', async () => {
    const { made: a, client } = await candidate('a');
    await a.leadership.start();
    const first = await world.pass(a.led);
    const b = (await candidate('b')).made;
    await b.leadership.start();
    await world.pass(b.knows('a'));
    await client.kill();
    const startMs = world.clock.monotonicMs();
    const order: string[] = [];
    const steps = [
      a.steppedDown.then(() => order.push('a stepped down')),
      b.led.then(() => order.push('b leads')),
    ];
    await world.pass(Promise.all(steps));
    expect(order).toEqual(['a stepped down', 'b leads']);
    expect(first.isTrusted()).toBe(false);
    expect((await b.led).epoch).toBeGreaterThan(first.epoch);
    // The key's TTL, the server's rounding, and the way of the hint.
    expect(world.clock.monotonicMs() - startMs).toBeLessThan(rules.ttlMs + 1_000);
  });

  test('the late renewal of a leader that lost its key conflicts, and it follows from then on', async () => {
    const { made } = await candidate('a');
    await made.leadership.start();
    await world.pass(made.led);
    const kv = await key();
    const held = await kv.get(LEADER_KEY);
    const usurper = new TextEncoder().encode('{"coordinator":"x"}');
    await kv.put(LEADER_KEY, usurper);
    const late = await kv.cas(LEADER_KEY, held?.revision ?? 0, usurper);
    expect(late).toEqual({ kind: 'conflict' });
    await world.pass(made.steppedDown);
    expect(made.leadership.term()).toBeNull();
    expect(made.working).toBe(0);
  });

  test('one that is proven alone takes a stale key over at once, another waits', async () => {
    const kv = await key();
    const stale = encodeLeader({
      coordinator: 'dead',
      address: 'dead:1',
      epoch: null,
      nonce: nonceFrom(randomBytes(10)),
    });
    await kv.cas(LEADER_KEY, 0, stale, { ttlMs: 60_000 });
    const waiting = (await candidate('a')).made;
    await waiting.leadership.start();
    await world.pass(waiting.knows('dead'));
    const alone = (await candidate('b', { proveAlone: true })).made;
    const startMs = world.clock.monotonicMs();
    await alone.leadership.start();
    const reign = await world.pass(alone.led);
    expect(world.clock.monotonicMs() - startMs).toBeLessThan(500);
    expect(reign.epoch).toBe(2);
    expect(waiting.reigns).toEqual([]);
  });

  test('one that may not stand leaves the key to others', async () => {
    const barred = (await candidate('a', { mayStand: () => false })).made;
    await barred.leadership.start();
    const other = (await candidate('b')).made;
    await other.leadership.start();
    await world.pass(other.led);
    expect(barred.reigns).toEqual([]);
  });

  test('work that ends by itself gives the key up at once', async () => {
    const broken = (
      await candidate('a', { onLead: () => Promise.reject(new Error('the work broke')) })
    ).made;
    await broken.leadership.start();
    const recorder = await TailRecorder.start(await key());
    await world.pass(recorder.until(() => recorder.newest(LEADER_KEY)?.includes('gone') ?? false));
    await recorder.tail.stop();
    expect(broken.errors).toMatchObject([{ message: 'the work broke' }]);
    const other = (await candidate('b')).made;
    const startMs = world.clock.monotonicMs();
    await other.leadership.start();
    await world.pass(other.led);
    expect(world.clock.monotonicMs() - startMs).toBeLessThan(500);
  });

  test('stop is safe before start, twice, and leaves no key behind', async () => {
    const { made } = await candidate('a');
    await made.leadership.stop();
    await made.leadership.start();
    const other = (await candidate('b')).made;
    await other.leadership.start();
    await world.pass(other.led);
    await world.pass(Promise.all([other.leadership.stop(), other.leadership.stop()]));
    expect(made.reigns).toEqual([]);
    expect(await (await key()).get(LEADER_KEY)).toMatchObject({ kind: 'gone' });
  });
});

test('the rules for production keep the trust inside the time to live, with room for one lost renewal', () => {
  const { ttlMs, renewEveryMs, marginMs, retryMs } = TERM_RULES;
  const trustMs = ttlMs - marginMs;
  const renewalTimeoutMs = 1_500;
  expect(renewEveryMs + renewalTimeoutMs + retryMs).toBeLessThan(trustMs);
});
