import type { EpisodeId } from '@podctl/domain/ids.ts';
import type { AttemptEnd } from '@podctl/domain/retry.ts';
import type { Stage } from '@podctl/domain/stage.ts';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { LeaderWorld } from '../../../../test/support/leader-world.ts';
import { retryJobs, skipEpisode } from './episode-orders.ts';

let world: LeaderWorld;
beforeEach(async () => {
  world = await LeaderWorld.start();
});
afterEach(() => world.stop());

const lockOf = async (episode: EpisodeId, stage: Stage = 'download') =>
  (await world.state(episode)).stages[stage].lock;
const skip = (episode: EpisodeId) =>
  skipEpisode(world.settle, { feed: world.feed, episode, by: 'ann' });
const retry = (episode: EpisodeId, request: string, ...stages: Stage[]) =>
  retryJobs(world.settle, {
    request,
    jobs: stages.map((stage) => ({ feed: world.feed, episode, stage })),
  });

function fail(episode: EpisodeId, final: boolean): Promise<void> {
  return end(episode, { kind: 'failed', reason: 'HTTP 500', retryAfterMs: 60_000, final });
}

function cancel(episode: EpisodeId): Promise<void> {
  return end(episode, { kind: 'canceled', reason: 'canceled by ann' });
}

async function end(episode: EpisodeId, end: AttemptEnd): Promise<void> {
  const token = await world.assign(episode);
  await world.store.moveEpisode(world.feed, episode, 'download', () => ({
    kind: 'revoke',
    token,
    end,
    nowMs: world.clock.wallMs(),
    random: 0.5,
  }));
}

describe('skipping an episode', () => {
  it('gives up every stage that is left, says by whom, and does it once', async () => {
    const episode = await world.episode();
    expect(await skip(episode)).toEqual(['download', 'transcribe', 'score']);
    const shown = { state: 'dead', ended: 'skipped', failures: 0, reason: 'skipped by ann' };
    expect(await lockOf(episode)).toMatchObject(shown);
    expect(await lockOf(episode, 'transcribe')).toMatchObject(shown);
    expect(await skip(episode)).toEqual([]);
  });

  it('takes a running job back first, whose result counts for nothing then', async () => {
    const episode = await world.episode();
    const token = await world.assign(episode);
    expect(await skip(episode)).toEqual(['download', 'transcribe', 'score']);
    const ref = await world.finish(episode, token, { 'audio.mp3': 'sound' });
    await expect(world.commit(episode, token, ref)).rejects.toThrow(
      'commit is not legal from dead',
    );
  });

  it.each(['dead', 'canceled'] as const)('has a %s one count as dead no more', async (was) => {
    const episode = await world.episode();
    if (was === 'dead') await fail(episode, true);
    else await cancel(episode);
    expect(await skip(episode)).toEqual(['download', 'transcribe', 'score']);
    expect(await lockOf(episode)).toMatchObject({
      ...{ state: 'dead', ended: 'skipped', reason: 'skipped by ann' },
      failures: was === 'dead' ? 1 : 0,
    });
    expect(await skip(episode)).toEqual([]);
  });

  it('leaves an accepted result alone', async () => {
    const episode = await world.episode();
    const token = await world.committed(episode, { 'audio.mp3': 'sound' });
    expect(await skip(episode)).toEqual(['transcribe', 'score']);
    expect(await lockOf(episode)).toMatchObject({ state: 'committed', token });
  });
});

describe('trying again', () => {
  it('brings a skipped episode back as it was, counted once', async () => {
    const episode = await world.episode();
    await skip(episode);
    expect(await retry(episode, 'a', 'download', 'transcribe')).toBe(2);
    expect(await retry(episode, 'a', 'download', 'transcribe')).toBe(0);
    expect((await world.state(episode)).stages.download).toMatchObject({
      wanted: 1,
      lock: { state: 'free', failures: 0 },
    });
  });

  it('frees a dead job, and its failures are forgotten', async () => {
    const episode = await world.episode();
    await fail(episode, true);
    expect(await retry(episode, 'a', 'download')).toBe(1);
    expect(await lockOf(episode)).toMatchObject({ state: 'free', failures: 0, notBeforeMs: 0 });
  });

  it('has a failed one wait no more, and its failures still count', async () => {
    const episode = await world.episode();
    await fail(episode, false);
    expect(await retry(episode, 'a', 'download')).toBe(1);
    expect(await retry(episode, 'b', 'download')).toBe(0);
    expect(await lockOf(episode)).toMatchObject({ state: 'free', failures: 1, notBeforeMs: 0 });
  });

  it('asks for nothing of what runs or is done', async () => {
    const episode = await world.episode();
    await world.assign(episode);
    expect(await retry(episode, 'a', 'download')).toBe(0);
    const other = await world.episode(1);
    await world.committed(other, { 'audio.mp3': 'sound' });
    expect(await retry(other, 'a', 'download')).toBe(0);
  });
});
