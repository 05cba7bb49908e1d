import type { EpisodeId } from '@podctl/domain/ids.ts';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { LeaderWorld } from '../../../../test/support/leader-world.ts';
import { Progress } from '../core/progress.ts';
import { StaleLocks } from './stale-locks.ts';

const STALE_MS = 60_000;

let world: LeaderWorld;
let stale: StaleLocks;
let episode: EpisodeId;
/** How long this process was paused: time went on, and nobody woke it. */
let pausedMs: number;

beforeEach(async () => {
  world = await LeaderWorld.start();
  episode = await world.episode();
  pausedMs = 0;
  const { replica, log } = world;
  const clock = {
    wallMs: () => world.clock.wallMs(),
    monotonicMs: () => world.clock.monotonicMs() + pausedMs,
    sleep: (ms: number, signal: AbortSignal) => world.clock.sleep(ms, signal),
  };
  const deps = { ...world.settle, clock };
  const progress = new Progress();
  stale = new StaleLocks({ ...deps, replica, progress, log, staleAfterMs: STALE_MS });
});
afterEach(async () => {
  await stale.stop();
  world.stop();
});

const lock = async () => (await world.state(episode)).stages.download.lock;

describe('the policy to revoke stale locks', () => {
  it('takes a lock without progress away, counted as a failure of the attempt', async () => {
    await world.assign(episode);
    await stale.start();
    await world.clock.advance(STALE_MS);
    expect(await lock()).toMatchObject({ state: 'held' });
    await world.clock.advance(10_000);
    expect(await lock()).toMatchObject({
      state: 'free',
      failures: 1,
      reason: 'no progress for 60 s',
    });
  });

  it('commits what is finished, and gives a new lock its whole time', async () => {
    const token = await world.assign(episode);
    await world.finish(episode, token, { 'audio.mp3': 'sound' });
    await stale.start();
    await world.clock.advance(STALE_MS - 1_000);
    const other = await world.episode(1);
    await world.assign(other);
    await world.clock.advance(11_000);
    expect(await lock()).toMatchObject({ state: 'committed', token });
    expect((await world.state(other)).stages.download.lock).toMatchObject({ state: 'held' });
  });

  it('holds its own absence against nobody', async () => {
    await world.assign(episode);
    await stale.start();
    pausedMs = 10 * STALE_MS;
    await world.clock.advance(10_000);
    expect(await lock()).toMatchObject({ state: 'held' });
  });
});
