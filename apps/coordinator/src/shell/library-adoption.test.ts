import {
  cp,
  link,
  mkdir,
  mkdtemp,
  readdir,
  rm,
  stat,
  symlink,
  utimes,
  writeFile,
} from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { fileURLToPath } from 'node:url';
import type { FeedId } from '@podctl/domain/ids.ts';
import { systemClock } from '@podctl/platform/clock.ts';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { CoordinatorWorld } from '../../../../test/support/coordinator-world.ts';
import { AdoptionSource } from './adoption-source.ts';
import { type AdoptionNews, type AdoptionRequest, LibraryAdoption } from './library-adoption.ts';

const CLOCK = fileURLToPath(
  new URL('../../../../examples/sample/the-clockmakers/clock-01.mp3', import.meta.url),
);

let world: CoordinatorWorld;
let archive: string;

beforeEach(async () => {
  archive = await mkdtemp(join(tmpdir(), 'podctl-archive-'));
  world = await CoordinatorWorld.start();
  await world.addFeed('clock', 3);
});
afterEach(async () => {
  await world.stop();
  await rm(archive, { recursive: true });
});

/** As the replaced system left it, and old: what is linked has the age of its file. */
async function fill(...paths: readonly string[]): Promise<void> {
  for (const path of paths) {
    const at = join(archive, path);
    await mkdir(join(at, '..'), { recursive: true });
    if (path.endsWith('.mp3')) await cp(CLOCK, at);
    else await writeFile(at, 'One clock and then another.\n');
    await utimes(at, 1_000_000_000, 1_000_000_000);
  }
}

async function adopt(request: Partial<AdoptionRequest> = {}): Promise<AdoptionNews[]> {
  const source = await AdoptionSource.open(archive, world.library.root);
  if (!source.ok) throw new Error(source.error);
  const whole = { feed: null, dryRun: false, how: 'link', ...request } as const;
  const of = { fleet: world.coordinator, clock: systemClock, source: source.value };
  const news: AdoptionNews[] = [];
  for await (const one of new LibraryAdoption(of, whole, AbortSignal.timeout(20_000)).run())
    if (one.kind !== 'progress') news.push(one);
  return news;
}

const summaryOf = (news: readonly AdoptionNews[]) => news.find(({ kind }) => kind === 'summary');
const leftOf = (news: readonly AdoptionNews[]) =>
  news.flatMap((one) => (one.kind === 'left' ? [`${one.path}: ${one.reason}`] : []));
const done = (index: number) => {
  const { download, transcribe } = world.episodes('clock')[index]?.state.stages ?? {};
  return [download?.done?.run ?? null, transcribe?.done?.run ?? null];
};

describe('an archive as the replaced system left it', () => {
  test('is taken in by link: its stages are done, published and readable, and nothing is done twice', async () => {
    await fill(
      'The clock show/Part 0.mp3',
      'The clock show/Part 0.txt',
      'The clock show/Part 2.mp3',
    );
    await fill('The clock show/cover.jpg', 'Another/Part 1.mp3', 'The clock show/Part 9.mp3');
    await symlink('/etc/passwd', join(archive, 'The clock show/Part 1.mp3'));
    const dry = await adopt({ dryRun: true });
    expect(summaryOf(dry)).toMatchObject({ adopted: 2, downloads: 2, transcripts: 1, left: 3 });
    expect(await world.library.list('staging', 10)).toEqual([]);

    const news = await adopt();
    expect(summaryOf(news)).toMatchObject({ adopted: 2, downloads: 2, transcripts: 1, left: 3 });
    expect(leftOf(news)).toEqual([
      'The clock show/cover.jpg: it is no audio, text or metadata of an episode, or a second one of its kind',
      'Another/Part 1.mp3: no feed has the title of its folder (Another): add the feed first, or name it with --feed',
      'The clock show/Part 9.mp3: no episode of the feed has its title, or its date and length',
    ]);
    await world.until(() => done(0)[1] === 1 && done(2)[0] === 1);
    expect([done(0), done(1), done(2)]).toEqual([
      [1, 1],
      [null, null],
      [1, null],
    ]);

    const [first] = world.episodes('clock');
    const files = await world.coordinator.acceptedFiles(
      'clock' as FeedId,
      first?.episode as never,
      'download',
    );
    const audio = files.find(({ path }) => path.endsWith('audio.mp3'));
    const { ino, nlink } = await stat(join(archive, 'The clock show/Part 0.mp3'));
    expect(nlink).toBeGreaterThan(1);
    expect((await stat(join(world.library.root, audio?.path ?? ''))).ino).toBe(ino);
    const texts = await world.coordinator.acceptedFiles(
      'clock' as FeedId,
      first?.episode as never,
      'transcribe',
    );
    expect(texts.map(({ path }) => path.split('/').at(-1))).toEqual([
      'transcript.txt',
      'transcript.json',
    ]);

    expect(summaryOf(await adopt())).toMatchObject({ adopted: 0, known: 2 });
    expect([done(0), done(2)]).toEqual([
      [1, 1],
      [1, null],
    ]);
  });

  test('is moved when that is asked for: what was accepted is gone from it, what was not stays', async () => {
    await fill(
      'The clock show/Part 0.mp3',
      'The clock show/Part 0.txt',
      'The clock show/Nobody.mp3',
    );
    expect(summaryOf(await adopt({ how: 'move' }))).toMatchObject({ adopted: 1, left: 1 });
    expect(await readdir(join(archive, 'The clock show'))).toEqual(['Nobody.mp3']);
  });

  test('of one named feed needs no folder of its title, and is not linked from a linked file twice', async () => {
    await fill('Part 1.mp3');
    await link(join(archive, 'Part 1.mp3'), join(archive, 'part 1.m4a'));
    const news = await adopt({ feed: 'clock' as FeedId, how: 'copy' });
    expect(summaryOf(news)).toMatchObject({ adopted: 1, left: 1 });
    await world.until(() => done(1)[0] === 1);
  });

  test('gives what was given up its files after all, and leaves what an agent is at', async () => {
    const agent = world.agent('a');
    await agent.hello({ download: 1, transcribe: 0 });
    await world.until(() =>
      world.episodes('clock').some(({ state }) => state.stages.download.lock.state === 'held'),
    );
    const held = world
      .episodes('clock')
      .findIndex(({ state }) => state.stages.download.lock.state === 'held');
    await fill(`The clock show/Part ${held}.mp3`);
    expect(leftOf(await adopt())).toEqual([
      `The clock show/Part ${held}.mp3: agent a is at its download now`,
    ]);
  });
});

test('what is being written, or not named in UTF-8, is left, and nothing else is kept back', async () => {
  await fill('The clock show/Part 0.mp3', 'The clock show/Part 1.mp3', 'The clock show/Part 2.mp3');
  await utimes(join(archive, 'The clock show/Part 1.mp3'), new Date(), new Date());
  const latin1 = Buffer.concat([Buffer.from(`${archive}/The clock show/Caf`), Buffer.from([0xe9])]);
  await writeFile(latin1, 'x');
  const left = [
    'The clock show/Caf\ufffd: its name is not UTF-8: rename it',
    'The clock show/Part 1.mp3: it has just been written to: run the same again when it is whole',
  ];
  const dry = await adopt({ dryRun: true });
  expect(leftOf(dry)).toEqual(left);
  expect(summaryOf(dry)).toMatchObject({ adopted: 2, left: 2 });
  expect(leftOf(await adopt())).toEqual(left);
  await world.until(() => done(2)[0] === 1);
  expect(await world.library.list('staging', 10)).not.toContainEqual(
    expect.objectContaining({ path: expect.stringContaining('Part 1') }),
  );
});

test('a result that nobody answered for is left where it lies: it may be accepted', async () => {
  await fill('The clock show/Part 0.mp3');
  const { orders } = world.coordinator;
  const { adoptResult } = orders;
  orders.adoptResult = async (result) => {
    await adoptResult.call(orders, result);
    throw new Error('no answer came');
  };
  await expect(adopt()).rejects.toThrow('no answer came');
  await world.until(() => done(0)[0] === 1);
});

test('an episode that an agent was given meanwhile keeps the files of the agent, and nothing of the archive', async () => {
  await fill('The clock show/Part 0.mp3');
  const { library } = world;
  const linkIn = library.linkIn.bind(library);
  const agent = world.agent('a');
  let agents = '';
  library.linkIn = async (source, path) => {
    const linked = await linkIn(source, path);
    // Under the same token, which is all that an agent's folder is named by.
    agents = path.replace('/adopted-', '/').replace('audio.mp3', 'audio.bin');
    await library.write(agents, Readable.from([Buffer.from('x')]), AbortSignal.timeout(5_000));
    await agent.hello({ download: 3, transcribe: 0 });
    await world.until(() =>
      world.episodes('clock').every(({ state }) => state.stages.download.lock.state === 'held'),
    );
    return linked;
  };
  try {
    expect(leftOf(await adopt())).toEqual([
      'The clock show/Part 0.mp3: something happened to the episode meanwhile: run the same again',
    ]);
  } finally {
    library.linkIn = linkIn;
  }
  expect((await library.list('staging', 20)).map(({ path }) => path)).toEqual([agents]);
});

test('files that are no audio, and a text without audio, are left with their reason', async () => {
  await fill('The clock show/Part 1.txt');
  await writeFile(join(archive, 'The clock show/Part 0.mp3'), '<html>Not found</html>');
  expect(leftOf(await adopt())).toEqual([
    'The clock show/Part 0.mp3: it cannot be decoded as audio',
    'The clock show/Part 1.txt: its audio is not beside it, and podctl has not downloaded it yet',
  ]);
});

test('a folder that is not there, or lies with the library, is refused in one sentence', async () => {
  const { root } = world.library;
  for (const [folder, why] of [
    [join(archive, 'none'), /cannot be found on the coordinator's machine/],
    ['\u001b[2Jrelative', /^\[2Jrelative is not an absolute path/],
    [`/${'x'.repeat(400)}`, /^\/x{59} cannot be found/],
    [root, /lie in one another/],
    [join(root, '..'), /lie in one another/],
    [CLOCK, /is not a folder/],
  ] as const) {
    const opened = await AdoptionSource.open(folder, root);
    expect(opened.ok ? '' : opened.error).toMatch(why);
  }
});
