import { type EpisodeId, episodeId, type Token } from '@podctl/domain/ids.ts';
import { acceptedFolder } from '@podctl/domain/library-path.ts';
import { MANIFEST_NAME } from '@podctl/domain/manifest.ts';
import type { Stage } from '@podctl/domain/stage.ts';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { episodeOf } from '../../../../test/support/hand-built-fleet.ts';
import { LeaderWorld } from '../../../../test/support/leader-world.ts';
import { ViewLinks } from './view-links.ts';
import { ViewRepair } from './view-repair.ts';

const ROUND_MS = 60_000;
const TRANSCRIPT = {
  'transcript.json': '{}',
  'transcript.srt': 's',
  'transcript.txt': 'hello',
  'transcript.vtt': 'v',
};

let world: LeaderWorld;
let episode: EpisodeId;
let views: ViewLinks;
beforeEach(async () => {
  world = await LeaderWorld.start();
  episode = await world.episode();
  views = new ViewLinks({ store: world.store, library: world.library });
});
afterEach(() => world.stop());

const show = (stage: Stage = 'download') => views.show(world.feed, episode, stage);
const name = (extension: string, n = 0) => {
  const id = episodeOf(world.feed, n).slice(0, 8);
  return `podcasts/Alpha/1970-01-01 - Part ${n} [${id}].${extension}`;
};
const readable = async () => (await world.library.list('podcasts', 10_000)).map(({ path }) => path);

/** Makes a run of a stage accepted and done, all but its readable names. */
async function finished(
  files: { readonly [name: string]: string },
  { run = 1, stage = 'download' as Stage, id = episode } = {},
): Promise<Token> {
  if (run > 1) await world.request(id, `run-${run}`);
  const token = await world.assign(id, stage);
  const manifest = await world.finish(id, token, files, { stage, run });
  await world.commit(id, token, manifest, stage);
  const to = acceptedFolder(world.feed, id, stage, run, token);
  for (const file of [...Object.keys(files), MANIFEST_NAME])
    await world.library.link(`${world.staging(id, token, stage)}/${file}`, `${to}/${file}`);
  const step = { kind: 'publish', token } as const;
  await world.store.moveEpisode(world.feed, id, stage, () => step);
  world.library.linked.length = 0;
  return token;
}

describe('readable names', () => {
  it('are made for each file of a done run, by title, day and kind', async () => {
    const download = { 'audio.mp3': 'sound', 'metadata.json': '{}', 'publisher.vtt': 'theirs' };
    await finished(download);
    await finished(TRANSCRIPT, { stage: 'transcribe' });
    await show();
    const downloaded = ['info.json', 'mp3', 'original.vtt'];
    expect(await readable()).toEqual(downloaded.map((one) => name(one)).sort());
    await show('transcribe');
    const all = [...downloaded, 'json', 'srt', 'txt', 'vtt'].map((one) => name(one));
    expect(await readable()).toEqual(all.sort());
    expect(await world.library.text(name('mp3'))).toBe('sound');
    expect(await world.library.text(name('txt'))).toBe('hello');
    expect(await world.library.text(name('original.vtt'))).toBe('theirs');
  });

  it('are not made for what is not done, and nothing fails', async () => {
    await show();
    await world.committed(episode, { 'audio.mp3': 'sound' });
    await show();
    const [stranger] = [episodeId('z'.repeat(26))];
    if (stranger.ok) await views.show(world.feed, stranger.value, 'download');
    expect(await readable()).toEqual([]);
  });

  it('are made by the ids where no title is known', async () => {
    await finished({ 'audio.mp3': 'sound' });
    const meta = world.nats.bucket('podctl_meta');
    meta.write({ key: `meta.${world.feed}.${episode}`, expected: null, value: null });
    await show();
    expect(await readable()).toEqual([
      `podcasts/alpha/undated - untitled [${episode.slice(0, 8)}].mp3`,
    ]);
  });

  it('that are right are left alone', async () => {
    await finished({ 'audio.mp3': 'sound' });
    await show();
    await show();
    expect(world.library.linked).toEqual([name('mp3')]);
  });

  it('that are wrong are made anew: another size, or the same size and other bytes', async () => {
    await finished({ 'audio.mp3': 'sound' });
    for (const wrong of ['so', 'noise']) {
      await world.library.put(name('mp3'), wrong);
      await show();
      expect(await world.library.text(name('mp3'))).toBe('sound');
    }
  });

  it('follow the newest run, also where it is of the same size', async () => {
    await finished({ 'audio.mp3': 'sound' });
    await show();
    await finished({ 'audio.mp3': 'SOUND' }, { run: 2 });
    await show();
    expect(await world.library.text(name('mp3'))).toBe('SOUND');
  });

  it('follow a run that is done while the older one’s are being made', async () => {
    await finished({ 'audio.mp3': 'sound' });
    let second = false;
    world.library.beforeLink = async () => {
      if (second) return;
      second = true;
      await finished({ 'audio.mp3': 'SOUND' }, { run: 2 });
    };
    await show();
    expect(second).toBe(true);
    expect(await world.library.text(name('mp3'))).toBe('SOUND');
  });

  it('of a large file, which is not read, follow the newest run too, and its size', async () => {
    const large = 'x'.repeat(4_000_001);
    await finished({ 'audio.mp3': large });
    await show();
    await world.clock.advance(1_000);
    await finished({ 'audio.mp3': large.replace('x', 'y') }, { run: 2 });
    await show();
    expect((await world.library.text(name('mp3'))).slice(0, 2)).toBe('yx');
    await world.clock.advance(1_000);
    await world.library.put(name('mp3'), 'cut off');
    await show();
    expect((await world.library.text(name('mp3'))).slice(0, 2)).toBe('yx');
  });
});

describe('where the files of a run lie', () => {
  it('is told with size, hash and readable name', async () => {
    const token = await finished({ 'audio.mp3': 'sound' });
    const [link, ...others] = await views.links(world.feed, episode, 'download', 1, token);
    const from = `${acceptedFolder(world.feed, episode, 'download', 1, token)}/audio.mp3`;
    expect(others).toEqual([]);
    expect(link).toMatchObject({ from, to: name('mp3'), sizeBytes: 5 });
    const { sha256 } = await world.library.hash(from, AbortSignal.timeout(5_000));
    expect(link?.sha256).toBe(sha256);
  });

  it('is nowhere when its manifest is gone', async () => {
    expect(await views.links(world.feed, episode, 'download', 1, 99)).toEqual([]);
  });
});

describe('the repair of readable names', () => {
  let repair: ViewRepair;
  beforeEach(() => {
    const { clock, replica, library, log } = world;
    repair = new ViewRepair({ clock, replica, library, views, log });
  });
  afterEach(() => repair.stop());

  it('makes what a crash, or somebody’s hand, left out or cut off, of every stage', async () => {
    await finished({ 'audio.mp3': 'sound' });
    await finished(TRANSCRIPT, { stage: 'transcribe' });
    await repair.start();
    await world.clock.advance(ROUND_MS);
    expect(await readable()).toHaveLength(5);
    await world.library.put(name('txt'), 'he');
    await world.clock.advance(2 * ROUND_MS);
    expect(await world.library.text(name('txt'))).toBe('hello');
  });

  it('goes round and round, and meets what is done later', async () => {
    await repair.start();
    await world.clock.advance(ROUND_MS);
    await finished({ 'audio.mp3': 'sound' });
    await world.clock.advance(2 * ROUND_MS);
    expect(await readable()).toEqual([name('mp3')]);
  });

  it('looks at so many in one turn, and goes on from there in the next', async () => {
    const perTurn = 500;
    for (let n = 1; n <= perTurn + 1; n += 1)
      await finished({ 'audio.mp3': `${n}` }, { id: await world.episode(n) });
    await repair.start();
    await world.clock.advance(ROUND_MS);
    expect(await readable()).toHaveLength(perTurn);
    await world.clock.advance(ROUND_MS);
    expect(await readable()).toHaveLength(perTurn + 1);
  });

  it('is not stopped for good by one that cannot be read', async () => {
    await finished({ 'audio.mp3': 'sound' });
    const second = await world.episode(1);
    await finished({ 'audio.mp3': 'second' }, { id: second });
    world.damage(episode);
    await repair.start();
    await world.clock.advance(4 * ROUND_MS);
    expect(await readable()).toEqual([name('mp3', 1)]);
  });

  it('does nothing while the library is away', async () => {
    await finished({ 'audio.mp3': 'sound' });
    world.library.offline = 'not mounted';
    await repair.start();
    await world.clock.advance(3 * ROUND_MS);
    expect(world.said).toEqual([]);
    world.library.offline = null;
    await world.clock.advance(2 * ROUND_MS);
    expect(await readable()).toEqual([name('mp3')]);
  });
});
