import { checkpointName } from '@podctl/domain/checkpoint-name.ts';
import type { AgentId, ClusterId, EpisodeId, Token } from '@podctl/domain/ids.ts';
import { adoptedStagingFolder, stagingFolder } from '@podctl/domain/library-path.ts';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { LeaderWorld } from '../../../../test/support/leader-world.ts';
import { oldAttempts, Sweeper } from './sweeper.ts';

const HOUR_MS = 3_600_000;
const EVERY_MS = 60_000;

let world: LeaderWorld;
let sweeper: Sweeper;
let episode: EpisodeId;
beforeEach(async () => {
  world = await LeaderWorld.start();
  episode = await world.episode();
  sweeper = newSweeper();
});
afterEach(async () => {
  await sweeper.stop();
  world.stop();
});

function newSweeper(): Sweeper {
  const { clock, store, library, log } = world;
  return new Sweeper({ clock, store, library, log, everyMs: EVERY_MS, olderThanMs: HOUR_MS });
}

/** One turn, now. */
async function sweep(): Promise<void> {
  await sweeper.start();
  await world.clock.advance(EVERY_MS);
}
const age = () => world.clock.advance(HOUR_MS + 1);

describe('the sweeper removes', () => {
  it('an attempt that nobody holds, with all its files, and tells', async () => {
    const folder = world.staging(episode, 5);
    await world.library.put(`${folder}/audio.mp3`, 'x');
    await world.library.put(`${folder}/deep/er.txt`, 'x');
    await age();
    await sweep();
    expect(await world.library.list('staging', 10)).toEqual([]);
    expect(world.said).toEqual(['info: swept what an attempt left in staging']);
  });

  it('an older token of a stage that another token holds, and leaves that one', async () => {
    const token = await world.assign(episode);
    const [old, mine] = [world.staging(episode, token + 1), world.staging(episode, token)];
    const other = world.staging(episode, token, 'transcribe');
    for (const folder of [old, mine, other]) await world.library.put(`${folder}/audio.mp3`, 'x');
    await age();
    await sweep();
    expect(
      await Promise.all([old, mine, other].map((one) => world.has(`${one}/audio.mp3`))),
    ).toEqual([false, true, false]);
  });

  it('what was to be taken in and never was, and keeps what is taken in and not published yet', async () => {
    const cluster = world.store.cluster();
    const folderOf = (at: number) =>
      adoptedStagingFolder(cluster, world.feed, episode, 'download', at as Token);
    const manifest = { sha256: 'a'.repeat(64), files: 1, bytes: 1, audioSeconds: 1 };
    const token = await world.adopt(episode, async () => manifest);
    for (const at of [token, token + 7]) await world.library.put(`${folderOf(at)}/a.mp3`, 'x');
    await age();
    await sweep();
    const there = [token, token + 7].map((at) => world.has(`${folderOf(at)}/a.mp3`));
    expect(await Promise.all(there)).toEqual([true, false]);
  });

  it('what is left in staging of a result that is done', async () => {
    const token = await world.committed(episode, { 'audio.mp3': 'x' });
    const step = { kind: 'publish', token } as const;
    await world.store.moveEpisode(world.feed, episode, 'download', () => step);
    await age();
    await sweep();
    expect(await world.library.list('staging', 10)).toEqual([]);
  });

  it('the attempts of another world, whoever seems to hold them here', async () => {
    const token = await world.assign(episode);
    const cluster = 'b'.repeat(16) as ClusterId;
    const folder = stagingFolder(cluster, world.feed, episode, 'download', token);
    await world.library.put(`${folder}/audio.mp3`, 'x');
    await age();
    await sweep();
    expect(await world.has(`${folder}/audio.mp3`)).toBe(false);
  });

  it('parts of downloads only when their agent has not come back for longer than it may keep them', async () => {
    const part = 'staging/parts/a1/.part-alpha.x';
    await world.library.put(part, 'x');
    await age();
    await sweep();
    expect(await world.has(part)).toBe(true);
    await sweeper.stop();
    await world.clock.advance(31 * 24 * HOUR_MS);
    sweeper = newSweeper();
    await sweep();
    expect(await world.has(part)).toBe(false);
  });

  it('files whose writer died outside of any attempt, once they are old', async () => {
    const path = 'staging/temporary/.part-0011';
    await world.library.put(path, 'x');
    await sweep();
    expect(await world.has(path)).toBe(true);
    await age();
    expect(await world.has(path)).toBe(false);
  });
});

describe('the sweeper leaves', () => {
  it('what is held, and what is committed, however old', async () => {
    const second = await world.episode(1);
    const token = await world.assign(episode);
    await world.library.put(`${world.staging(episode, token)}/audio.mp3`, 'x');
    await world.library.put(`${world.staging(episode, token)}/.part-0011`, 'x');
    const accepted = await world.committed(second, { 'audio.mp3': 'x' });
    await age();
    await sweep();
    for (const name of ['audio.mp3', '.part-0011'])
      expect(await world.has(`${world.staging(episode, token)}/${name}`)).toBe(true);
    expect(await world.has(`${world.staging(second, accepted)}/manifest.json`)).toBe(true);
  });

  it('a checkpoint of the run that is done next, whoever left it, until that run is done', async () => {
    const [mine, other] = [world.staging(episode, 5), world.staging(episode, 6)];
    const name = (run: number) => checkpointName({ run, key: 'a1'.repeat(8), milliseconds: 9 });
    await world.library.put(`${mine}/${name(1)}`, 'x');
    await world.library.put(`${other}/${name(2)}`, 'x');
    await age();
    await sweep();
    const there = async () => (await world.library.list('staging', 10)).map(({ path }) => path);
    expect(await there()).toEqual([`${mine}/${name(1)}`]);
    const token = await world.committed(episode, { 'audio.mp3': 'x' });
    const step = { kind: 'publish', token } as const;
    await world.store.moveEpisode(world.feed, episode, 'download', () => step);
    await age();
    await world.clock.advance(EVERY_MS);
    expect(await there()).toEqual([]);
  });

  it('what comes to be held or committed after it was listed: the key is read last', async () => {
    const second = await world.episode(1);
    for (const id of [episode, second]) {
      const { revision } = await world.store.readEpisode(world.feed, id);
      await world.library.put(`${world.staging(id, revision)}/old.part`, 'x');
    }
    await age();
    const tokens: number[] = [];
    world.library.afterList = async () => {
      world.library.afterList = async () => {};
      tokens.push(await world.assign(episode));
      tokens.push(await world.committed(second, { 'audio.mp3': 'x' }));
    };
    await sweep();
    expect(tokens).toHaveLength(2);
    expect(await world.has(`${world.staging(episode, tokens[0] ?? 0)}/old.part`)).toBe(true);
    expect(await world.has(`${world.staging(second, tokens[1] ?? 0)}/audio.mp3`)).toBe(true);
    expect(world.said).toEqual([]);
  });

  it('an upload that goes on for longer than anything is kept, as long as its attempt is held', async () => {
    const token = await world.assign(episode);
    const answers: boolean[] = [];
    world.library.dropUnfinished = async (_beforeMs, isNeeded) => {
      for (const at of [token, token + 1])
        answers.push(await isNeeded(`${world.staging(episode, at)}/audio.mp3`));
      answers.push(await isNeeded('staging/elsewhere/audio.mp3'));
      return 0;
    };
    await sweep();
    expect(answers.slice(0, 3)).toEqual([true, false, false]);
  });

  it('an attempt with one young file: somebody is at it', async () => {
    const folder = world.staging(episode, 5);
    await world.library.put(`${folder}/audio.mp3`, 'x');
    await age();
    await world.library.put(`${folder}/metadata.json`, 'x');
    await sweep();
    expect(await world.has(`${folder}/audio.mp3`)).toBe(true);
  });

  it('every path that no attempt of ours has, and everything outside staging', async () => {
    const foreign = [
      'staging/readme.txt',
      'staging/x/y/z/1',
      `staging/${'c'.repeat(16)}/alpha.short.download/5/a.mp3`,
      `${world.staging(episode, 5).slice(0, -1)}05/a.mp3`,
      'episodes/alpha/.part-1',
      'podcasts/Alpha/.part-1',
    ];
    for (const path of foreign) await world.library.put(path, 'x');
    await age();
    await sweep();
    for (const path of foreign) expect([path, await world.has(path)]).toEqual([path, true]);
  });

  it('everything while the library is away, and goes on when it is back', async () => {
    const path = `${world.staging(episode, 5)}/audio.mp3`;
    await world.library.put(path, 'x');
    await age();
    world.library.offline = 'not mounted';
    let listed = 0;
    world.library.afterList = async () => {
      listed += 1;
    };
    await sweep();
    expect([listed, world.said]).toEqual([0, []]);
    world.library.offline = null;
    expect(await world.has(path)).toBe(true);
    await world.clock.advance(EVERY_MS);
    expect(await world.has(path)).toBe(false);
  });

  it('what belongs to an episode that it cannot read, and sweeps the others all the same', async () => {
    const others = await Promise.all([1, 2, 3].map((n) => world.episode(n)));
    const all = [episode, ...others].sort();
    for (const id of all) await world.library.put(`${world.staging(id, 5)}/a.mp3`, 'x');
    const [first, ...rest] = all;
    if (first === undefined) throw new Error('four were made');
    world.damage(first);
    await age();
    await sweep();
    expect(await world.has(`${world.staging(first, 5)}/a.mp3`)).toBe(true);
    for (const id of rest) expect(await world.has(`${world.staging(id, 5)}/a.mp3`)).toBe(false);
  });

  it('everything while NATS does not answer: nobody could look', async () => {
    const path = `${world.staging(episode, 5)}/audio.mp3`;
    await world.library.put(path, 'x');
    await age();
    world.client.cut();
    await sweep();
    expect(await world.has(path)).toBe(true);
    expect(world.said).toContain('warn: a turn of a loop failed');
    world.client.heal();
    await world.clock.advance(EVERY_MS + 5_000);
    expect(await world.has(path)).toBe(false);
  });
});

describe('an attempt is old', () => {
  it('when its newest file is, and it is named once', () => {
    const place = { cluster: 'c'.repeat(16) as ClusterId, agent: 'a1' as AgentId };
    const folder = stagingFolder(place.cluster, world.feed, episode, 'download', 5 as never);
    const file = (name: string, modifiedMs: number) => ({
      path: `${folder}/${name}`,
      sizeBytes: 1,
      modifiedMs,
    });
    expect(oldAttempts([file('a', 1), file('b', 9)], 9)).toEqual([]);
    expect(oldAttempts([file('b', 9), file('a', 1)], 9)).toEqual([]);
    expect(oldAttempts([file('a', 1), file('b', 9)], 10)).toMatchObject([{ episode, token: 5 }]);
  });
});
