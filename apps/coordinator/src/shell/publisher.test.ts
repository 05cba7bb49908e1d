import { clusterIdFrom, type EpisodeId, type Token } from '@podctl/domain/ids.ts';
import { BUCKETS, CLUSTER_KEY } from '@podctl/domain/key.ts';
import { acceptedFolder } from '@podctl/domain/library-path.ts';
import { clusterRecord } from '@podctl/platform/records.ts';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { LeaderWorld } from '../../../../test/support/leader-world.ts';
import { Publisher } from './publisher.ts';
import { ViewLinks } from './view-links.ts';

const TICK_MS = 1_000;
const FILES = { 'audio.mp3': 'sound', 'metadata.json': '{}' };

let world: LeaderWorld;
let episode: EpisodeId;
const publishers: Publisher[] = [];
beforeEach(async () => {
  world = await LeaderWorld.start();
  episode = await world.episode();
});
afterEach(async () => {
  for (const publisher of publishers.splice(0)) await publisher.stop();
  world.stop();
});

/** The publisher of a leader that knows nothing but what the bucket tells it. */
async function leader(): Promise<Publisher> {
  const replica = world.newReplica();
  await world.follow(replica);
  const store = world.newStore(replica);
  const views = new ViewLinks({ store, library: world.library });
  const publisher = new Publisher({ ...world.settle, store, replica, views, log: world.log });
  publishers.push(publisher);
  return publisher;
}

async function publish(turns = 1): Promise<void> {
  await (await leader()).start();
  await world.clock.advance((turns - 1) * TICK_MS);
}

const accepted = (token: Token, run = 1) =>
  acceptedFolder(world.feed, episode, 'download', run, token);
const done = async () => (await world.state(episode)).stages.download.done;
/** How often the pointer was flipped, by the server's own record. */
function flips(): number {
  const runs = world.history
    .filter((entry) => entry.episode === episode)
    .map(({ state }) => state.stages.download.done?.token ?? 0);
  return runs.filter((token, i) => i > 0 && token !== runs[i - 1]).length;
}

describe('what is committed', () => {
  it('gets its final names, the pointer, a free lock, and readable names', async () => {
    const token = await world.committed(episode, FILES);
    await publish();
    const { lock } = (await world.state(episode)).stages.download;
    expect([lock.state, (await done())?.token, (await done())?.run]).toEqual(['free', token, 1]);
    for (const [name, text] of Object.entries(FILES))
      expect(await world.library.text(`${accepted(token)}/${name}`)).toBe(text);
    const readable = (await world.library.list('podcasts', 10)).map(({ path }) => path);
    expect(readable).toHaveLength(2);
    expect(world.said).toEqual([]);
  });

  it('by an older version, of an archive, is published from where that put it', async () => {
    const token = await world.adopt(episode, (at) => world.finish(episode, at, FILES));
    await publish();
    expect((await done())?.token).toBe(token);
    expect(await world.library.text(`${accepted(token)}/audio.mp3`)).toBe('sound');
  });

  it('before a restore is finished after it, from the staging folder of its own world', async () => {
    const token = await world.committed(episode, FILES);
    const name = clusterRecord.encode({ cluster: clusterIdFrom(new Uint8Array(10).fill(8)) });
    world.nats.bucket(BUCKETS.state).write({ key: CLUSTER_KEY, expected: null, value: name });
    await publish();
    expect((await done())?.token).toBe(token);
    expect(await world.library.text(`${accepted(token)}/audio.mp3`)).toBe('sound');
  });

  it('is not published over the files of another world, which had the same number', async () => {
    const token = await world.committed(episode, FILES);
    const staged = world.staging(episode, token);
    const manifest = await world.library.text(`${staged}/manifest.json`);
    await world.library.put(
      `${accepted(token)}/manifest.json`,
      manifest.replace('"audioSeconds":30', '"audioSeconds":31'),
    );
    await publish();
    expect(await done()).toBeNull();
    expect(world.said).toContain('error: an accepted result cannot be published yet');
  });

  it('gets its manifest last, and the pointer after all of them', async () => {
    const token = await world.committed(episode, FILES);
    let linkedAtFlip: readonly string[] = [];
    world.nats.bucket(BUCKETS.state).onWrite(() => {
      linkedAtFlip = [...world.library.linked];
    });
    await publish();
    expect(linkedAtFlip).toEqual(
      ['audio.mp3', 'metadata.json', 'manifest.json'].map((name) => `${accepted(token)}/${name}`),
    );
  });

  it('is all that is touched: what is held or free stays so', async () => {
    const [second] = [await world.episode(1)];
    const token = await world.assign(second);
    await world.finish(second, token, FILES);
    await publish(3);
    expect((await world.state(second)).stages.download.lock.state).toBe('held');
    expect(world.library.linked).toEqual([]);
  });
});

describe('a leader that dies', () => {
  it('between the final names and the pointer is followed by one that flips it, once', async () => {
    const token = await world.committed(episode, FILES);
    world.library.beforeLink = async (to) => {
      // Deposed just before its CAS.
      if (to.endsWith('/manifest.json')) world.leads = false;
    };
    await publish();
    expect(await world.has(`${accepted(token)}/manifest.json`)).toBe(true);
    expect(await done()).toBeNull();
    await publishers[0]?.stop();
    world.leads = true;
    await publish();
    expect([(await done())?.token, flips()]).toEqual([token, 1]);
    expect(await world.library.list('podcasts', 10)).toHaveLength(2);
  });

  it('in the middle of the final names is followed by one that makes the rest', async () => {
    const token = await world.committed(episode, FILES);
    world.library.beforeLink = async (to) => {
      if (to.endsWith('/metadata.json')) throw new Error('the machine died');
    };
    await publish();
    expect([await world.has(`${accepted(token)}/audio.mp3`), await done()]).toEqual([true, null]);
    await publishers[0]?.stop();
    world.library.beforeLink = async () => {};
    await publish();
    expect([(await done())?.token, flips()]).toEqual([token, 1]);
    expect(await world.has(`${accepted(token)}/manifest.json`)).toBe(true);
  });

  it('is no loss even when staging is gone by then, once the final names were made', async () => {
    const token = await world.committed(episode, FILES);
    world.library.beforeLink = async (to) => {
      if (to.endsWith('/manifest.json')) world.leads = false;
    };
    await publish();
    await publishers[0]?.stop();
    await world.library.removeStaging(world.staging(episode, token));
    world.leads = true;
    await publish();
    expect((await done())?.token).toBe(token);
  });
});

describe('the pointer is flipped once', () => {
  it('though two leaders believe for a moment', async () => {
    const token = await world.committed(episode, FILES);
    const both = [await leader(), await leader()];
    await Promise.all(both.map((publisher) => publisher.start()));
    await world.clock.advance(3 * TICK_MS);
    expect([(await done())?.token, flips()]).toEqual([token, 1]);
  });

  it.each([
    ['landed', { kind: 'landed' }],
    ['was lost', { kind: 'lost' }],
    ['lands before the next try', { kind: 'late', afterMs: 500 }],
    ['lands after the next try', { kind: 'late', afterMs: 1_500 }],
  ] as const)('though the answer to its write is lost and it %s', async (_, fault) => {
    const token = await world.committed(episode, FILES);
    world.nats.faultNextWrite(fault);
    await publish(4);
    expect([(await done())?.token, flips()]).toEqual([token, 1]);
  });

  it('for each run: a second one follows the first', async () => {
    const first = await world.committed(episode, FILES);
    await publish();
    const second = await world.committed(episode, { ...FILES, 'audio.mp3': 'better' }, 2);
    await world.clock.advance(TICK_MS);
    expect([await done(), flips()]).toMatchObject([{ run: 2, token: second }, 2]);
    expect(await world.library.text(`${accepted(first)}/audio.mp3`)).toBe('sound');
    expect(await world.library.text(`${accepted(second, 2)}/audio.mp3`)).toBe('better');
  });
});

describe('what cannot be published', () => {
  it('waits while the library is away', async () => {
    const token = await world.committed(episode, FILES);
    world.library.offline = 'not mounted';
    await publish(3);
    expect([world.library.linked, await done()]).toEqual([[], null]);
    expect(world.said).toContain('warn: a turn of a loop failed');
    world.library.offline = null;
    await world.clock.advance(TICK_MS);
    expect((await done())?.token).toBe(token);
  });

  it('is said, and keeps nobody else waiting', async () => {
    const bad = await world.committed(episode, FILES);
    await world.library.removeStaging(world.staging(episode, bad));
    const second = await world.episode(1);
    const token = await world.committed(second, FILES);
    await publish();
    expect((await world.state(second)).stages.download.done?.token).toBe(token);
    expect(await done()).toBeNull();
    expect(world.said).toEqual(['error: an accepted result cannot be published yet']);
  });

  it('never becomes readable with a file that is not whole, however often it is tried', async () => {
    const token = await world.committed(episode, FILES);
    await world.library.put(`${world.staging(episode, token)}/audio.mp3`, 'so');
    await publish(3);
    expect(await done()).toBeNull();
    await world.library.put(`${world.staging(episode, token)}/audio.mp3`, 'sound');
    await world.clock.advance(TICK_MS);
    expect((await done())?.token).toBe(token);
    expect(await world.library.text(`${accepted(token)}/audio.mp3`)).toBe('sound');
  });
});
