import type { EpisodeId, Epoch } from '@podctl/domain/ids.ts';
import { acceptedFolder } from '@podctl/domain/library-path.ts';
import { MANIFEST_NAME } from '@podctl/domain/manifest.ts';
import type { Stage } from '@podctl/domain/stage.ts';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { LeaderWorld } from '../../../../test/support/leader-world.ts';
import { acceptedRuns } from './accepted-runs.ts';
import { FeedRegistry } from './feed-registry.ts';
import { OrderDesk, passOn } from './order-desk.ts';
import { ViewLinks } from './view-links.ts';
import { workFor } from './work.ts';

let world: LeaderWorld;
let desk: OrderDesk;
let episode: EpisodeId;
/** Of a coordinator that does not lead. */
let follower: LeaderWorld['client']['bus'];
beforeEach(async () => {
  world = await LeaderWorld.start();
  const { client, log, replica, store, clock } = world;
  const registry = new FeedRegistry({ clock, store, replica, titleOf: async () => null });
  const of = { bus: client.bus, log, registry, replica, epoch: 1 as Epoch };
  desk = new OrderDesk({ ...world.settle, ...of, feedsAdded: () => undefined });
  await desk.start();
  follower = world.nats.client('follower').bus;
  episode = await world.episode();
  await finished('download', { 'audio.mp3': 'sound' });
});
afterEach(async () => {
  await desk.stop();
  world.stop();
});

/** Makes the next run of a stage accepted and done, all but its readable names. */
async function finished(stage: Stage, files: { readonly [name: string]: string }, run = 1) {
  const token = await world.assign(episode, stage);
  const manifest = await world.finish(episode, token, files, { stage, run });
  await world.commit(episode, token, manifest, stage);
  const to = acceptedFolder(world.feed, episode, stage, run, token);
  for (const file of [...Object.keys(files), MANIFEST_NAME])
    await world.library.link(`${world.staging(episode, token, stage)}/${file}`, `${to}/${file}`);
  const step = { kind: 'publish', token } as const;
  await world.store.moveEpisode(world.feed, episode, stage, () => step);
}

function repeat(request: string, run: number, model?: string) {
  const runs = [{ feed: world.feed, episode, stage: 'transcribe', run } as const];
  return passOn(follower, { kind: 'repeat_runs', request, runs, model });
}

/** The model that an agent is told, whoever leads: all that is known of it is in the key. */
async function told() {
  const of = { ...world.settle, model: 'tiny.en', language: null };
  const state = await world.state(episode);
  const work = await workFor(of, world.feed, episode, 'transcribe', state);
  return work.ok && work.value?.kind === 'transcribe' ? work.value.model : work;
}

it('a run is done with the model that was asked for with it, also after a failure, and the next one as ever', async () => {
  await finished('transcribe', { 'transcript.txt': 'one' });
  await repeat('a', 1, 'large-v3');
  expect(await told()).toBe('large-v3');
  const token = await world.assign(episode, 'transcribe');
  expect(await told()).toBe('large-v3');
  const end = { kind: 'failed', reason: 'no', retryAfterMs: null, final: false } as const;
  await world.store.moveEpisode(world.feed, episode, 'transcribe', () => ({
    ...{ kind: 'revoke', token, end, nowMs: world.clock.wallMs(), random: 0 },
  }));
  expect(await told()).toBe('large-v3');
  await finished('transcribe', { 'transcript.txt': 'two' }, 2);
  await repeat('b', 2);
  expect(await told()).toBe('tiny.en');
});

it('the result of an earlier run stays as it is, and the readable names show the newest one', async () => {
  const views = new ViewLinks({ store: world.store, library: world.library });
  const shown = async () => {
    await views.show(world.feed, episode, 'transcribe');
    const [name = ''] = (await world.library.list('podcasts', 10)).map(({ path }) => path);
    return world.library.text(name);
  };
  await finished('transcribe', { 'transcript.md': 'one' });
  expect(await shown()).toBe('one');
  await repeat('a', 1, 'large-v3');
  await finished('transcribe', { 'transcript.md': 'two' }, 2);
  expect(await shown()).toBe('two');
  const runs = await acceptedRuns(world.library, world.feed, episode, 'transcribe');
  expect(runs.map(({ run }) => run)).toEqual([2, 1]);
  expect(
    await Promise.all(runs.map(({ folder }) => world.library.text(`${folder}/transcript.md`))),
  ).toEqual(['two', 'one']);
});
