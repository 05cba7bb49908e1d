import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { WORLDS, type World, type WorldClient } from './world.ts';

const bytes = (text: string) => new TextEncoder().encode(text);
const text = (data: Uint8Array) => new TextDecoder().decode(data);

describe.each(WORLDS)('the bus on the $name', (kind) => {
  let world: World;
  let alice: WorldClient;
  let bob: WorldClient;

  beforeAll(async () => {
    world = await kind.make();
    [alice, bob] = await Promise.all([world.connect('alice'), world.connect('bob')]);
  });
  afterAll(() => world.stop());

  /** A subscription is known to the server when something sent after it has come back to its client. */
  const settled = async (client: WorldClient, name: string) => {
    const heard = Promise.withResolvers<void>();
    const subscription = client.bus.subscribe(`settled.${name}`, () => heard.resolve());
    client.bus.publish(`settled.${name}`, bytes(''));
    await world.pass(heard.promise);
    subscription.stop();
  };
  const asked = (subject: string, words: string, timeoutMs = 2_000) =>
    world.pass(alice.bus.request(subject, bytes(words), { timeoutMs }));

  test('a request gets the answer of who listens', async () => {
    const subscription = bob.bus.subscribe('ask.bob', (message) => {
      message.respond(bytes(`${message.subject}: ${text(message.data)}?`));
    });
    await settled(bob, 'request');
    expect(text(await asked('ask.bob', 'you'))).toBe('ask.bob: you?');
    subscription.stop();
  });

  test('a request that nobody listens to is answered so at once', async () => {
    const startMs = world.clock.monotonicMs();
    await expect(asked('hello.nobody', 'x', 20_000)).rejects.toMatchObject({ code: 'nobody' });
    expect(world.clock.monotonicMs() - startMs).toBeLessThan(2_000);
  });

  test('a request that is not answered times out', async () => {
    const subscription = bob.bus.subscribe('hello.mute', () => undefined);
    await settled(bob, 'timeout');
    await expect(asked('hello.mute', 'x', 200)).rejects.toMatchObject({ code: 'timeout' });
    subscription.stop();
  });

  test('a request is given up when its signal is aborted', async () => {
    const subscription = bob.bus.subscribe('hello.slow', () => stop.abort(new Error('enough')));
    const stop = new AbortController();
    await settled(bob, 'abort');
    const options = { timeoutMs: 20_000, signal: stop.signal };
    const request = alice.bus.request('hello.slow', bytes('x'), options);
    await expect(world.pass(request)).rejects.toThrow('enough');
    subscription.stop();
  });

  test('messages come to all who listen, by wildcard, in order', async () => {
    const heard: string[] = [];
    const all = Promise.withResolvers<void>();
    const one = bob.bus.subscribe('hb.*', (message) => heard.push(`* ${message.subject}`));
    const rest = bob.bus.subscribe('hb.>', (message) => {
      heard.push(`> ${message.subject}`);
      if (message.subject === 'hb.last') all.resolve();
    });
    await settled(bob, 'wildcard');
    for (const subject of ['hb.a', 'hb.a.b', 'hb', 'other.a', 'hb.b', 'hb.last']) {
      alice.bus.publish(subject, bytes(''));
    }
    await world.pass(all.promise);
    one.stop();
    rest.stop();
    expect(heard.filter((each) => each.startsWith('*'))).toEqual(['* hb.a', '* hb.b', '* hb.last']);
    const after = heard.filter((each) => each.startsWith('>'));
    expect(after).toEqual(['> hb.a', '> hb.a.b', '> hb.b', '> hb.last']);
  });

  test('a stopped subscription hears nothing more', async () => {
    const heard: string[] = [];
    const subscription = bob.bus.subscribe('stopped', (message) => heard.push(text(message.data)));
    await settled(bob, 'before');
    subscription.stop();
    await settled(bob, 'after');
    alice.bus.publish('stopped', bytes('late'));
    await settled(alice, 'sent');
    await settled(bob, 'heard');
    expect(heard).toEqual([]);
  });

  test('what a handler throws is reported, and the next message still comes', async () => {
    const again = Promise.withResolvers<void>();
    const bug = new Error('a bug of the handler');
    const subscription = bob.bus.subscribe('throws', (message) => {
      if (text(message.data) === 'first') throw bug;
      again.resolve();
    });
    await settled(bob, 'throws');
    alice.bus.publish('throws', bytes('first'));
    alice.bus.publish('throws', bytes('second'));
    await world.pass(again.promise);
    subscription.stop();
    expect(world.errors).toContain(bug);
  });

  test('an answer to a message that wants none goes nowhere', async () => {
    const heard = Promise.withResolvers<void>();
    const subscription = bob.bus.subscribe('one-way', (message) => {
      message.respond(bytes('ignored'));
      heard.resolve();
    });
    await settled(bob, 'one-way');
    alice.bus.publish('one-way', bytes(''));
    await world.pass(heard.promise);
    subscription.stop();
  });

  test('a closed connection rejects requests, ends those under way, and drops what is published', async () => {
    const carol = await world.connect('carol');
    const subscription = bob.bus.subscribe('hello.mute', () => undefined);
    await settled(bob, 'closed');
    const underWay = carol.bus.request('hello.mute', bytes('x'), { timeoutMs: 20_000 });
    const failed = expect(underWay).rejects.toMatchObject({ code: 'closed' });
    await carol.kill();
    await world.pass(failed);
    const late = carol.bus.request('hello.mute', bytes('x'), { timeoutMs: 20_000 });
    await expect(world.pass(late)).rejects.toMatchObject({ code: 'closed' });
    carol.bus.publish('hello.mute', bytes('x'));
    expect(() => carol.bus.subscribe('hello.x', () => undefined)).toThrow(/closed/);
    subscription.stop();
  });
});
