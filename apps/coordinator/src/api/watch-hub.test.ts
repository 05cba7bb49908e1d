import type { AgentId, FeedId } from '@podctl/domain/ids.ts';
import { isToken } from '@podctl/domain/ids.ts';
import { invariant } from '@podctl/domain/result.ts';
import { FeedState } from '@podctl/proto/podctl/v1/feed.ts';
import { describe, expect, test } from 'vitest';
import { held } from '../../../../test/support/stage-change.ts';
import { delta, watcher, world } from '../../../../test/support/watch-world.ts';

const alpha = 'alpha' as FeedId;
const beta = 'beta' as FeedId;
const gpu = 'gpu-1' as AgentId;

describe('a watcher', () => {
  test('first gets everything, then only the feeds and agents that changed', async () => {
    const { clock, fleet, hub } = world();
    fleet.feed(beta);
    fleet.feed(alpha);
    const watching = watcher(hub);
    await clock.advance(0);
    const first = watching.messages[0]?.message;
    expect(first).toMatchObject({ $case: 'snapshot', value: { overview: { feeds: 2 } } });
    expect(first?.value).toMatchObject({ feeds: [{ feedId: 'alpha' }, { feedId: 'beta' }] });

    fleet.episode(beta, 1);
    fleet.agent(gpu);
    await clock.advance(600);
    expect(watching.messages).toHaveLength(2);
    expect(watching.messages.map(({ sequence }) => sequence)).toEqual([1n, 2n]);
    const second = delta(watching.messages[1]);
    expect(second.feeds.map(({ feedId, episodes }) => [feedId, episodes])).toEqual([['beta', 1]]);
    expect(second.agents.map(({ agentId }) => agentId)).toEqual(['gpu-1']);
    expect(second.overview).toMatchObject({ feeds: 2, episodes: 1, agentsLive: 1 });
  });

  test('gets a heartbeat each 10 s and nothing else while nothing changes', async () => {
    const { clock, fleet, hub } = world();
    fleet.feed(alpha);
    const session = fleet.agent(gpu);
    fleet.liveness.heard(gpu, session, clock.monotonicMs());
    const watching = watcher(hub);
    await clock.advance(35_000);
    expect(watching.kinds()).toEqual(['snapshot', 'heartbeat', 'heartbeat', 'heartbeat']);
    expect(watching.messages.map(({ sequence }) => sequence)).toEqual([1n, 2n, 3n, 4n]);
  });

  test('gets heartbeats between deltas that it wants a minute apart', async () => {
    const { clock, fleet, hub } = world();
    fleet.feed(alpha);
    const watching = watcher(hub, 60_000);
    await clock.advance(0);
    fleet.episode(alpha, 1);
    await clock.advance(59_000);
    expect(watching.kinds()).toEqual(['snapshot', ...Array(5).fill('heartbeat')]);
    await clock.advance(2_000);
    expect(watching.kinds().at(-1)).toBe('delta');
  });

  test('gets many changes as one delta, no two of them closer than its interval', async () => {
    const { clock, fleet, hub } = world();
    fleet.feed(alpha);
    const watching = watcher(hub, 1_000);
    for (let n = 0; n < 40; n++) {
      await clock.advance(50);
      fleet.episode(alpha, n);
    }
    await clock.advance(1_200);
    expect(watching.kinds()).toEqual(['snapshot', 'delta', 'delta', 'delta']);
    expect(delta(watching.messages.at(-1)).feeds[0]?.episodes).toBe(40);
  });

  test('among a hundred is told a first change at once, then once a second', async () => {
    const { clock, fleet, hub } = world();
    fleet.feed(alpha);
    const all = Array.from({ length: 100 }, () => watcher(hub));
    await clock.advance(5_000);
    for (let n = 0; n < 40; n++) {
      fleet.episode(alpha, n);
      await clock.advance(50);
    }
    for (const one of all) expect(one.kinds()).toEqual(['snapshot', 'delta', 'delta']);
    expect(delta(all[0]?.messages[1]).feeds[0]?.episodes).toBe(1);
  });

  test('is told that a feed stalls though nothing happens but time', async () => {
    const { clock, fleet, hub } = world();
    fleet.feed(alpha);
    fleet.episode(alpha, 1);
    const watching = watcher(hub);
    await clock.advance(599_000);
    expect(watching.kinds()).not.toContain('delta');
    await clock.advance(8_000);
    const told = watching.messages.filter(({ message }) => message?.$case === 'delta');
    expect(told).toHaveLength(1);
    expect(delta(told[0]).feeds[0]).toMatchObject({
      state: FeedState.STALLED,
      stalledSince: new Date(Date.UTC(2026, 0, 1)),
    });
    expect(delta(told[0]).overview?.feedsStalled).toBe(1);
  });

  test('is told of progress, of a lock, and of a heartbeat heard', async () => {
    const { clock, fleet, hub } = world();
    fleet.feed(alpha);
    const session = fleet.agent(gpu);
    const episode = fleet.episode(alpha, 1, held('download', { agent: gpu, session, token: 7 }));
    const watching = watcher(hub);
    await clock.advance(0);
    const token = 7;
    invariant(isToken(token), 'a token');
    const job = { feed: alpha, episode, stage: 'download', run: 1, token } as const;
    fleet.progress.report({ ...job, phase: 'running', progress: 0.25 }, clock.monotonicMs());
    fleet.liveness.heard(gpu, session, clock.monotonicMs());
    fleet.changed();
    await clock.advance(700);
    expect(delta(watching.messages[1]).agents[0]).toMatchObject({
      lastHeartbeatAt: new Date(Date.UTC(2026, 0, 1)),
      jobs: [{ episodeId: episode, token: 7n, progressRatio: 0.25 }],
    });
  });

  test('gets each event once, those from before its time in the snapshot', async () => {
    const { clock, fleet, hub } = world();
    for (let n = 1; n <= 120; n++) fleet.event(`before ${n}`);
    const watching = watcher(hub);
    await clock.advance(0);
    fleet.event('after 1');
    await clock.advance(600);
    fleet.event('after 2');
    await clock.advance(600);
    const first = watching.messages[0]?.message;
    invariant(first?.$case === 'snapshot', 'the first is the snapshot');
    expect(first.value.events).toHaveLength(100);
    expect(first.value.events.at(-1)).toMatchObject({ message: 'before 120', sequence: 120n });
    const told = watching.messages.slice(1).map((message) => delta(message).events);
    expect(told.map((events) => events.map(({ message }) => message))).toEqual([
      ['after 1'],
      ['after 2'],
    ]);
  });

  test('that is slow has one message on its way, and then gets one delta with the newest state', async () => {
    const { clock, fleet, hub } = world();
    fleet.feed(alpha);
    const watching = watcher(hub);
    await clock.advance(0);
    watching.block();
    fleet.episode(alpha, 0);
    await clock.advance(600);
    expect(watching.kinds()).toEqual(['snapshot', 'delta']);
    for (let n = 1; n <= 800; n++) {
      fleet.episode(alpha, n);
      fleet.event(`${n}`);
      if (n % 20 === 0) await clock.advance(1_000);
    }
    expect(watching.kinds()).toEqual(['snapshot', 'delta']);
    watching.unblock();
    await clock.advance(1_000);
    expect(watching.kinds()).toEqual(['snapshot', 'delta', 'delta']);
    const last = delta(watching.messages[2]);
    expect(last.feeds[0]?.episodes).toBe(801);
    expect(last.events.map(({ message }) => message).at(-1)).toBe('800');
    expect([last.events.length, last.eventsDropped]).toEqual([500, 300n]);
  });
});

describe('the hub', () => {
  test('runs no timer and listens to nothing when nobody watches', async () => {
    const { clock, fleet, hub } = world();
    const watching = [watcher(hub), watcher(hub)];
    await clock.advance(1_000);
    expect(clock.sleeping()).toBeGreaterThan(0);
    for (const one of watching) one.leave();
    await Promise.all(watching.map(({ ended }) => ended));
    await clock.advance(0);
    expect([clock.sleeping(), fleet.listeners, hub.watchers]).toEqual([0, 0, 0]);
  });

  test('serves one who comes after the others left with the state of that moment', async () => {
    const { clock, fleet, hub } = world();
    const early = watcher(hub);
    await clock.advance(0);
    early.leave();
    await early.ended;
    fleet.feed(alpha);
    const late = watcher(hub);
    await clock.advance(0);
    expect(late.messages[0]?.message?.value).toMatchObject({ feeds: [{ feedId: 'alpha' }] });
  });

  test('maps the picture ten times a second at most, however many watch and however much happens', async () => {
    const { clock, fleet, hub } = world();
    for (let n = 0; n < 20; n++) watcher(hub, 100);
    await clock.advance(0);
    let pictures = 0;
    const real = fleet.picture.bind(fleet);
    fleet.picture = () => {
      pictures += 1;
      return real();
    };
    for (let n = 0; n < 100; n++) {
      await clock.advance(10);
      fleet.changed();
    }
    expect(pictures).toBeGreaterThan(0);
    expect(pictures).toBeLessThanOrEqual(10);
  });

  test('tells watchers of one interval at the same moments, whenever they came', async () => {
    const { clock, fleet, hub } = world();
    fleet.feed(alpha);
    const watching = [watcher(hub)];
    for (let n = 0; n < 100; n++) {
      await clock.advance(37);
      fleet.episode(alpha, n);
      if (n === 20) watching.push(watcher(hub));
    }
    await clock.advance(600);
    const [early, late] = watching.map(({ messages }) =>
      messages.slice(-5).map(({ resumeToken, message }) => [resumeToken, message]),
    );
    expect(early).toHaveLength(5);
    expect(late).toEqual(early);
  });

  test('tells a first change after a quiet while at once, and those beside it with it', async () => {
    const { clock, fleet, hub } = world();
    for (const feed of [alpha, beta]) fleet.feed(feed);
    const watching = watcher(hub, 60_000);
    await clock.advance(65_000);
    fleet.episode(alpha, 1);
    await clock.advance(5);
    fleet.episode(beta, 1);
    await clock.advance(5);
    expect(delta(watching.messages.at(-1)).feeds.map(({ feedId }) => feedId)).toEqual([
      'alpha',
      'beta',
    ]);
  });

  test('takes 200 watchers, tells the next one why not, and takes one again when one left', async () => {
    const { clock, hub } = world();
    const watching = Array.from({ length: 200 }, () => watcher(hub));
    await clock.advance(0);
    expect(await watcher(hub).ended).toMatchObject({ kind: 'exhausted' });
    watching[0]?.leave();
    await watching[0]?.ended;
    const next = watcher(hub);
    await clock.advance(0);
    expect(next.kinds()).toEqual(['snapshot']);
  });

  test('ends the streams, and reports it, when the picture cannot be read; the next watcher is served', async () => {
    const { clock, fleet, hub, bugs } = world();
    const watching = watcher(hub);
    await clock.advance(0);
    watching.block();
    fleet.feed(alpha);
    await clock.advance(600);
    fleet.pictureFailure = new Error('broken');
    await clock.advance(6_000);
    expect(await watching.ended).toMatchObject({ kind: 'internal' });
    expect(bugs).toEqual([fleet.pictureFailure]);
    fleet.pictureFailure = null;
    const next = watcher(hub);
    await clock.advance(0);
    expect(next.kinds()).toEqual(['snapshot']);
  });
});
