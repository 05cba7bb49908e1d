import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import type { AgentId, FeedId } from '@podctl/domain/ids.ts';
import { describe, expect, test } from 'vitest';
import { delta, watcher, world } from '../../../../test/support/watch-world.ts';

const alpha = 'alpha' as FeedId;
const beta = 'beta' as FeedId;
const gpu = 'gpu-1' as AgentId;

setFlagsFromString('--expose-gc');
const collectGarbage: unknown = runInNewContext('gc');

/** What is in use once everything else is gone. */
function heapBytes(): number {
  if (typeof collectGarbage === 'function') collectGarbage();
  return process.memoryUsage().heapUsed;
}

describe('a watcher that comes back', () => {
  test('with its token gets what changed meanwhile, and nothing else', async () => {
    const { clock, fleet, hub } = world();
    for (const feed of [alpha, beta]) fleet.feed(feed);
    fleet.agent(gpu);
    fleet.event('before');
    const early = watcher(hub);
    await clock.advance(10_500);
    expect(early.kinds()).toEqual(['snapshot', 'heartbeat']);
    expect(early.messages[0]?.resumeToken).toBe(early.token());
    early.leave();
    await early.ended;
    fleet.episode(beta, 1);
    fleet.event('meanwhile');
    await clock.advance(60_000);
    const back = watcher(hub, 500, early.token());
    await clock.advance(0);
    expect(back.messages[0]?.sequence).toBe(1n);
    const missed = delta(back.messages[0]);
    expect(missed.feeds.map(({ feedId }) => feedId)).toEqual(['beta']);
    expect(missed.agents).toEqual([]);
    expect(missed.events.map(({ message }) => message)).toEqual(['meanwhile']);
    expect(missed.overview).toMatchObject({ feeds: 2, episodes: 1 });
    fleet.episode(alpha, 1);
    await clock.advance(600);
    expect(delta(back.messages[1]).feeds.map(({ feedId }) => feedId)).toEqual(['alpha']);
  });

  test('with the token of a message that it got, though others were on their way, misses nothing', async () => {
    const { clock, fleet, hub } = world();
    fleet.feed(alpha);
    const early = watcher(hub);
    await clock.advance(0);
    const token = early.token();
    fleet.episode(alpha, 1);
    await clock.advance(600);
    expect(early.token()).not.toBe(token);
    const back = watcher(hub, 500, token);
    await clock.advance(0);
    expect(delta(back.messages[0]).feeds).toMatchObject([{ feedId: 'alpha', episodes: 1 }]);
  });

  test('to another coordinator, or one that was started anew, gets everything', async () => {
    const { clock, fleet, hub } = world();
    fleet.feed(alpha);
    const early = watcher(hub);
    await clock.advance(0);
    const other = world();
    other.fleet.information = { ...other.fleet.information, coordinator: 'coordinator-2' };
    other.fleet.feed(alpha);
    const there = watcher(other.hub, 500, early.token());
    const tokens = ['nonsense', 'coordinator-1/99/0', 'coordinator-1/1/99', ''];
    const here = tokens.map((token) => watcher(hub, 500, token));
    await clock.advance(0);
    await other.clock.advance(0);
    for (const one of [there, ...here]) expect(one.kinds()).toEqual(['snapshot']);
  });
});

describe('what is no more', () => {
  test('is told once, to those who watch and to who comes back', async () => {
    const { clock, fleet, hub } = world();
    for (const feed of [alpha, beta]) fleet.feed(feed);
    fleet.agent(gpu);
    const watching = watcher(hub);
    const away = watcher(hub);
    await clock.advance(0);
    away.leave();
    fleet.snapshot.feeds.delete(alpha);
    fleet.snapshot.sessions.delete(gpu);
    fleet.changed();
    await clock.advance(600);
    const removed = { feedIds: ['alpha'], agentIds: ['gpu-1'] };
    expect(delta(watching.messages[1])).toMatchObject({ feeds: [], agents: [], removed });
    const back = watcher(hub, 500, away.token());
    const late = watcher(hub);
    await clock.advance(0);
    expect(delta(back.messages[0]).removed).toEqual(removed);
    expect(late.messages[0]?.message?.value).toMatchObject({ feeds: [{ feedId: 'beta' }] });
    fleet.feed(alpha);
    await clock.advance(600);
    const again = delta(watching.messages[2]);
    expect([again.removed, again.feeds[0]?.feedId]).toEqual([undefined, 'alpha']);
  });
});

describe('every message', () => {
  test('says how old the state is that it shows, and a heartbeat how long silence is no sign of harm', async () => {
    const { clock, fleet, hub } = world();
    const watching = watcher(hub);
    await clock.advance(0);
    expect(watching.messages[0]?.stateAge).toEqual({ seconds: 0n, nanos: 0 });
    fleet.information = { ...fleet.information, stateAgeMs: 12_500 };
    await clock.advance(10_000);
    expect(watching.messages[1]).toMatchObject({
      stateAge: { seconds: 12n, nanos: 500_000_000 },
      message: { $case: 'heartbeat', value: { every: { seconds: 10n, nanos: 0 } } },
    });
  });
});

describe('a watcher that never reads', () => {
  test('costs no memory while 50,000 things change, and then gets one delta', async () => {
    const { clock, fleet, hub } = world();
    for (let n = 0; n < 50; n += 1) fleet.feed(`feed-${n}` as FeedId);
    const reading = watcher(hub);
    const watching = watcher(hub);
    await clock.advance(0);
    watching.block();
    const change = async (from: number, to: number) => {
      for (let n = from; n < to; n += 1) {
        fleet.event(`${n}`);
        fleet.feed(`feed-${n % 50}` as FeedId, { listed: n, title: `Title ${n}` });
        if (n % 100 === 0) await clock.advance(1_000);
      }
      reading.messages.length = 0;
      return heapBytes();
    };
    const before = await change(0, 5_000);
    const after = await change(5_000, 50_000);
    expect(after - before).toBeLessThan(4_000_000);
    expect(watching.kinds()).toEqual(['snapshot', 'delta']);
    watching.unblock();
    await clock.advance(1_000);
    expect(watching.kinds()).toEqual(['snapshot', 'delta', 'delta']);
    const last = delta(watching.messages[2]);
    expect([last.feeds.length, last.events.length]).toEqual([50, 500]);
    expect(last.feeds.find(({ feedId }) => feedId === 'feed-49')?.title).toBe('Title 49999');
    expect(last.eventsDropped).toBeGreaterThan(45_000n);
  }, 20_000);
});
