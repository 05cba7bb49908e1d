import { encodeEpisode } from '@podctl/domain/episode-codec.ts';
import { clusterIdFrom } from '@podctl/domain/ids.ts';
import { BUCKETS, jobKey } from '@podctl/domain/key.ts';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { LeaderWorld } from '../../../../test/support/leader-world.ts';
import { settle } from './settle.ts';

let world: LeaderWorld;

beforeEach(async () => {
  world = await LeaderWorld.start();
});
afterEach(() => world.stop());

describe('settling a held lock', () => {
  it('commits nothing by a look into the folder of another world', async () => {
    const episode = await world.episode();
    const token = await world.assign(episode);
    await world.finish(episode, token, { 'audio.mp3': 'sound' });
    world.library.beforeStat = async () => {
      world.library.beforeStat = async () => {};
      const cluster = clusterIdFrom(new Uint8Array(10).fill(8));
      const text = encodeEpisode({ ...(await world.state(episode)), cluster });
      const key = jobKey(world.feed, episode);
      const value = new TextEncoder().encode(text);
      world.nats.bucket(BUCKETS.state).write({ key, expected: null, value });
    };
    const name = { feed: world.feed, episode, stage: 'download', token } as const;
    const outcome = await settle(world.settle, name, () => ({ kind: 'lost' }));
    expect(outcome.kind).toBe('declined');
    expect((await world.state(episode)).stages.download.lock.state).toBe('held');
  });
});
