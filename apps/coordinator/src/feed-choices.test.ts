import { NO_CHOICES } from '@podctl/domain/feed-choices.ts';
import type { FeedId } from '@podctl/domain/ids.ts';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { CoordinatorWorld } from '../../../test/support/coordinator-world.ts';

const alpha = 'alpha' as FeedId;
let world: CoordinatorWorld;
beforeEach(async () => {
  world = await CoordinatorWorld.start();
});
afterEach(() => world.stop());

const change = (of: Parameters<typeof world.coordinator.orders.changeFeed>[1]) =>
  world.coordinator.orders.changeFeed(alpha, of);

describe('what is chosen for a feed', () => {
  it('its model, language and words go with its transcriptions, and what the fleet wants of all', async () => {
    await world.addFeed('alpha', 1);
    const words = { prompt: 'Aalto', hotwords: 'Kotka' };
    await change({ model: 'small', language: 'de', ...words });
    const agent = world.agent('a1');
    await agent.hello();
    await agent.complete(await agent.nextStart('download'));
    const { work } = await agent.nextStart('transcribe');
    expect(work).toMatchObject({
      ...{ kind: 'transcribe', model: 'small', language: 'de', ...words },
      ...{ qualityMin: 0.4, languageProbe: { offsetSeconds: 60, confidenceMin: 0.5 } },
    });
  });

  it('nothing of it begins while it is paused, and what others have does', async () => {
    await world.addFeed('alpha', 1);
    await change({ paused: true });
    await world.addFeed('beta', 1);
    const agent = world.agent('a1');
    await agent.hello();
    expect((await agent.nextStart('download')).job.feed).toBe('beta');
    expect(world.lock('alpha', 'download')?.state).toBe('free');
    await change({ paused: false });
    expect((await agent.nextStart('download')).job.feed).toBe('alpha');
  });

  it('an episode that is to go first does, and those chosen at the beginning count as well', async () => {
    await world.addFeed('alpha', 3);
    const last = world.episodes('alpha')[2]?.episode;
    if (last === undefined) throw new Error('the feed has three episodes');
    await change({ first: [last] });
    const agent = world.agent('a1');
    await agent.hello();
    expect((await agent.nextStart('download')).job.episode).toBe(last);
    const [added] = await world.coordinator.orders.addFeeds([
      { url: world.url('/new'), title: 'New', bookScore: null, id: 'new', priority: 4 },
    ]);
    expect(added?.kind).toBe('added');
    const { feeds } = world.coordinator.picture().snapshot;
    expect(feeds.get('new' as FeedId)?.record?.choices).toEqual({ ...NO_CHOICES, priority: 4 });
  });

  it('it is read at once when that is asked for, paused or not', async () => {
    await world.addFeed('alpha', 1);
    await world.until(() => world.requests.length === 1 && nextPollMs() > 0);
    await change({ paused: true });
    await change({ pollNow: true });
    await world.until(() => world.requests.length === 2 && nextPollMs() > 0);
  });
});

function nextPollMs(): number {
  const { feeds } = world.coordinator.picture().snapshot;
  return feeds.get(alpha)?.record?.nextPollMs ?? 0;
}
