import { NO_CHOICES } from '@podctl/domain/feed-choices.ts';
import type { EpisodeId, FeedId, Token } from '@podctl/domain/ids.ts';
import type { KeepAudio } from '@podctl/domain/keep-audio.ts';
import { acceptedFolder } from '@podctl/domain/library-path.ts';
import { MANIFEST_NAME } from '@podctl/domain/manifest.ts';
import type { Stage } from '@podctl/domain/stage.ts';
import { LibraryError } from '@podctl/platform/library.ts';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { LeaderWorld } from '../../../../test/support/leader-world.ts';
import { changeFeedRecord } from './feed-changing.ts';
import { FeedRegistry } from './feed-registry.ts';
import { LibraryCheck } from './library-check.ts';
import { Retention } from './retention.ts';
import { ViewLinks } from './view-links.ts';
import { workFor } from './work.ts';

const EVERY_MS = 600_000;
const DAY_MS = 86_400_000;

let world: LeaderWorld;
let views: ViewLinks;
let retention: Retention;
beforeEach(async () => {
  world = await LeaderWorld.start();
  views = new ViewLinks({ store: world.store, library: world.library });
  const { clock, store, replica } = world;
  const registry = new FeedRegistry({ clock, store, replica, titleOf: async () => null });
  const url = 'https://pods.example/a.xml';
  await registry.add([{ url, title: null, bookScore: null, id: world.feed }]);
});
afterEach(async () => {
  await retention.stop();
  world.stop();
});

/** One turn of a leader's retention, now. */
async function keep(keepAudio: KeepAudio): Promise<void> {
  await begin(keepAudio);
  await retention.stop();
}

async function begin(keepAudio: KeepAudio): Promise<void> {
  const { clock, store, replica, library, log } = world;
  retention = new Retention({
    clock,
    store,
    replica,
    library,
    views,
    log,
    keepAudio,
    everyMs: EVERY_MS,
  });
  await retention.start();
  await clock.advance(0);
}

async function finished(
  id: EpisodeId,
  files: { readonly [name: string]: string },
  stage: Stage,
): Promise<Token> {
  const run = ((await world.state(id)).stages[stage].done?.run ?? 0) + 1;
  const token = await world.assign(id, stage);
  const manifest = await world.finish(id, token, files, { stage, run });
  await world.commit(id, token, manifest, stage);
  const to = acceptedFolder(world.feed as FeedId, id, stage, run, token);
  for (const file of [...Object.keys(files), MANIFEST_NAME])
    await world.library.link(`${world.staging(id, token, stage)}/${file}`, `${to}/${file}`);
  await world.store.moveEpisode(world.feed, id, stage, () => ({ kind: 'publish', token }));
  await views.show(world.feed, id, stage);
  return token;
}

async function downloaded(n: number): Promise<EpisodeId> {
  const id = await world.episode(n);
  await finished(id, { 'audio.mp3': `sound ${n}`, 'metadata.json': '{}' }, 'download');
  return id;
}

async function transcribed(n: number): Promise<EpisodeId> {
  const id = await downloaded(n);
  await finished(id, { 'transcript.txt': 'hello' }, 'transcribe');
  return id;
}

const audioNames = async () =>
  [
    ...(await world.library.list('episodes', 1_000)),
    ...(await world.library.list('podcasts', 1_000)),
  ]
    .map(({ path }) => path)
    .filter((path) => path.endsWith('.mp3'));

describe('retention', () => {
  it('takes the audio of what is transcribed away under all its names, and nothing else', async () => {
    const [id, other] = [await transcribed(0), await downloaded(1)];
    await keep({ kind: 'untilTranscribed' });
    const names = await audioNames();
    expect(names).toHaveLength(2);
    expect(names.filter((name) => name.includes(other))).toHaveLength(1);
    expect((await world.state(id)).stages.download.done?.audio).toBe('gone');
    const readable = (await world.library.list('podcasts', 100)).map(({ path }) => path);
    expect(readable.filter((path) => path.includes(id.slice(0, 8)))).toHaveLength(2);
    await views.show(world.feed, id, 'download');
    expect(await audioNames()).toHaveLength(2);
  });

  it('is no loss to a check of the library, and what is transcribed again is downloaded again first', async () => {
    const id = await transcribed(0);
    await keep({ kind: 'untilTranscribed' });
    const check = new LibraryCheck(
      {
        library: world.library,
        clock: world.clock,
        snapshot: () => world.replica.snapshot,
        repeat: async () => 0,
      },
      { quick: false, repair: false, force: false },
      new AbortController().signal,
    );
    const news = [];
    for await (const one of check.run()) news.push(one);
    expect(news.at(-1)).toMatchObject({ kind: 'summary', damaged: 0, missing: 0, unknown: 0 });
    await world.store.moveEpisode(world.feed, id, 'transcribe', () => ({
      kind: 'request',
      request: 'again',
    }));
    const state = await world.state(id);
    expect(state.stages.download.wanted).toBe(2);
    const of = { ...world.settle, model: 'm', language: null };
    expect(await workFor(of, world.feed, id, 'transcribe', state)).toMatchObject({ ok: false });
    await finished(id, { 'audio.mp3': 'sound again' }, 'download');
    expect(await workFor(of, world.feed, id, 'transcribe', await world.state(id))).toMatchObject({
      ok: true,
    });
    await keep({ kind: 'untilTranscribed' });
    expect(await audioNames()).toHaveLength(2);
  });

  it("leaves a feed alone that is being purged: its files are another loop's", async () => {
    const id = await transcribed(0);
    const change = { remove: true, purge: true } as const;
    await changeFeedRecord(world, { kind: 'change_feed', feed: world.feed, change, dryRun: false });
    await keep({ kind: 'untilTranscribed' });
    expect((await world.state(id)).stages.download.done).not.toHaveProperty('audio');
    expect(await audioNames()).toHaveLength(2);
  });

  it('writes the record before anything goes, and the next leader finishes what a crash left', async () => {
    const id = await transcribed(0);
    const remove = vi.spyOn(world.library, 'remove');
    remove.mockRejectedValueOnce(new LibraryError('offline', 'the disk went away'));
    await keep({ kind: 'untilTranscribed' });
    expect((await world.state(id)).stages.download.done?.audio).toBe('going');
    expect(await audioNames()).toHaveLength(2);
    await keep({ kind: 'always' });
    expect((await world.state(id)).stages.download.done?.audio).toBe('gone');
    expect(await audioNames()).toEqual([]);
  });

  it('takes the earlier runs’ audio along, and names that an earlier title gave', async () => {
    const id = await transcribed(0);
    await world.request(id, 'again');
    await finished(id, { 'audio.mp3': 'second' }, 'download');
    const old = `podcasts/Alpha/1970-01-01 - Before [${id.slice(0, 8)}].mp3`;
    await world.library.put(old, 'sound 0');
    await keep({ kind: 'untilTranscribed' });
    expect(await audioNames()).toEqual([]);
  });

  it('keeps by days since the download, and by the number of the newest', async () => {
    await transcribed(0);
    await world.clock.advance(2 * DAY_MS);
    await transcribed(1);
    await keep({ kind: 'days', days: 1 });
    expect(await audioNames()).toHaveLength(2);
    await transcribed(2);
    await keep({ kind: 'count', count: 1 });
    expect(await audioNames()).toHaveLength(2);
  });

  it('counts days from when it came here, not by the time of a file that was taken in', async () => {
    const id = await downloaded(0);
    const [audio = ''] = (await audioNames()).filter((path) => path.startsWith('episodes/'));
    await world.clock.advance(9 * DAY_MS);
    await finished(id, { 'transcript.txt': 'hello' }, 'transcribe');
    const manifest = audio.replace('audio.mp3', MANIFEST_NAME);
    await world.library.put(manifest, await world.library.text(manifest));
    await keep({ kind: 'days', days: 1 });
    expect(await audioNames()).toHaveLength(2);
    await world.clock.advance(2 * DAY_MS);
    await keep({ kind: 'days', days: 1 });
    expect(await audioNames()).toEqual([]);
  });

  it('goes on with the others when one cannot be removed, and tries it again', async () => {
    for (const n of [0, 1, 2]) await transcribed(n);
    const remove = vi.spyOn(world.library, 'remove');
    remove.mockRejectedValueOnce(new LibraryError('io', 'permission denied'));
    await keep({ kind: 'untilTranscribed' });
    expect(world.said.filter((line) => line.includes('cannot be removed'))).toHaveLength(1);
    expect(await audioNames()).toHaveLength(2);
    await keep({ kind: 'always' });
    expect(await audioNames()).toEqual([]);
  });

  it('removes nothing of a feed whose own rule it cannot read, nor after the rule was changed', async () => {
    for (const n of [0, 1]) await transcribed(n);
    const row = world.replica.snapshot.feeds.get(world.feed);
    if (row?.record == null) throw new Error('no feed');
    const { record } = row;
    row.record = null;
    await keep({ kind: 'untilTranscribed' });
    expect(await audioNames()).toHaveLength(4);
    row.record = record;
    const move = vi.spyOn(world.store, 'moveEpisode');
    move.mockImplementationOnce((...of) => {
      row.record = { ...record, choices: { ...NO_CHOICES, keepAudio: { kind: 'always' } } };
      return world.store.moveEpisode(...of);
    });
    await keep({ kind: 'untilTranscribed' });
    expect(await audioNames()).toHaveLength(2);
  });

  it('leaves the names to a run that was done while the one before went', async () => {
    const id = await transcribed(0);
    const remove = vi.spyOn(world.library, 'remove');
    remove.mockImplementationOnce(async (path) => {
      await world.request(id, 'again');
      await finished(id, { 'audio.mp3': 'second' }, 'download');
      await world.library.remove(path);
    });
    await keep({ kind: 'untilTranscribed' });
    const names = await audioNames();
    expect(names.filter((path) => path.startsWith('episodes/'))).toHaveLength(1);
    expect(names.filter((path) => path.startsWith('podcasts/'))).toHaveLength(1);
  });

  it('does nothing while the library is away', async () => {
    await transcribed(0);
    world.library.offline = 'taken away';
    await keep({ kind: 'untilTranscribed' });
    world.library.offline = null;
    expect(await audioNames()).toHaveLength(2);
  });
});

it('many small feeds do not keep the loop from everything else', async () => {
  const id = await downloaded(0);
  const { feeds } = world.replica.snapshot;
  const row = feeds.get(world.feed);
  const one = row?.episodes.get(id);
  if (row === undefined || one === undefined) throw new Error('it is there');
  const episodes = new Map(Array.from({ length: 100 }, (_, i) => [`${id}${i}` as EpisodeId, one]));
  for (let n = 0; n < 100; n += 1) {
    const feed = `small-${n}` as FeedId;
    feeds.set(feed, { ...row, id: feed, episodes });
  }
  const breaths = vi.spyOn(globalThis, 'setImmediate');
  await begin({ kind: 'always' });
  await vi.waitFor(() => expect(breaths.mock.calls.length).toBeGreaterThanOrEqual(20));
  breaths.mockRestore();
});
