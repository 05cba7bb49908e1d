import type { Move } from '@podctl/domain/episode-move.ts';
import { newEpisode } from '@podctl/domain/episode-state.ts';
import type { EpisodeId, Epoch, SessionId, Token } from '@podctl/domain/ids.ts';
import { BUCKETS, feedKey, jobKey, metaKey, sessionKey } from '@podctl/domain/key.ts';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { CLUSTER, episodeOf, NONCE } from '../../../../test/support/hand-built-fleet.ts';
import { LeaderWorld } from '../../../../test/support/leader-world.ts';
import { episodeRow } from '../core/snapshot.ts';

let world: LeaderWorld;
let episode: EpisodeId;
beforeEach(async () => {
  world = await LeaderWorld.start();
  episode = await world.episode();
});
afterEach(() => world.stop());

const bucket = () => world.nats.bucket(BUCKETS.state);
const move = (decide: () => Move | null = request) =>
  world.store.moveEpisode(world.feed, episode, 'download', decide);
let asked = 0;
const request = (): Move => {
  asked += 1;
  return { kind: 'request', request: `r${asked}` };
};
const wanted = async () => (await world.state(episode)).stages.download.wanted;
/** Writes to the episode's key that the server took, its first one not counted. */
const writes = () => world.history.filter((entry) => entry.episode === episode).length - 1;

function assignment(token: number): Move {
  const of = {
    cluster: CLUSTER,
    token: token as Token,
    agent: world.agent,
    session: 3 as SessionId,
  };
  return { kind: 'assign', holder: { ...of, epoch: 1 as Epoch, nowMs: 0 } };
}

describe('a move of an episode', () => {
  it('is one write, and is folded as soon as it is acknowledged', async () => {
    world.client.blindTails();
    const outcome = await move();
    expect(outcome).toMatchObject({
      kind: 'moved',
      state: { stages: { download: { wanted: 2 } } },
    });
    const row = episodeRow(world.replica.snapshot, world.feed, episode);
    expect(row?.revision).toBe(outcome.kind === 'moved' ? outcome.revision : 0);
    expect([row?.state.stages.download.wanted, writes()]).toEqual([2, 1]);
  });

  it('that is not legal is declined with the reason and the state, and nothing is written', async () => {
    const publish: Move = { kind: 'publish', token: 1 as Token };
    expect(await move(() => publish)).toMatchObject({
      kind: 'declined',
      reason: 'publish is not legal from free',
      state: { cluster: CLUSTER },
    });
    expect(await move(() => null)).toMatchObject({ kind: 'declined', reason: 'nothing to do' });
    expect(writes()).toBe(0);
  });

  it('of an episode that is not known is declined', async () => {
    const decide = () => {
      throw new Error('there is nothing to decide');
    };
    expect(
      await world.store.moveEpisode(world.feed, episodeOf(world.feed, 9), 'download', decide),
    ).toEqual({ kind: 'declined', reason: 'the episode is not known', state: null });
  });

  it('that comes second is decided again from what is there now', async () => {
    const seen: number[] = [];
    const outcome = await world.store.moveEpisode(world.feed, episode, 'download', (state) => {
      seen.push(state.stages.download.wanted);
      if (seen.length < 3) overtake();
      return request();
    });
    expect(outcome.kind).toBe('moved');
    expect(seen).toEqual([1, 2, 3]);
    expect(await wanted()).toBe(4);
  });

  it('that always comes second is given up after a few tries', async () => {
    let tries = 0;
    const outcome = await move(() => {
      tries += 1;
      overtake();
      return request();
    });
    expect([outcome.kind, tries]).toEqual(['given_up', 8]);
  });

  it('at an older revision wins nothing: the first of two assignments holds', async () => {
    const row = episodeRow(world.replica.snapshot, world.feed, episode);
    if (row === null) throw new Error('it was just made');
    const step = assignment(row.revision);
    expect((await world.store.moveAt(row, 'download', step)).kind).toBe('moved');
    expect(await world.store.moveAt(row, 'download', step)).toEqual({
      kind: 'declined',
      reason: 'somebody wrote first',
      state: null,
    });
    expect(writes()).toBe(1);
  });

  const overtake = () => {
    const entry = bucket().read(jobKey(world.feed, episode));
    if (entry?.kind !== 'value') throw new Error('no value');
    const text = new TextDecoder().decode(entry.value);
    const more = text.replace(/"d":\[(\d+)/, (_, n) => `"d":[${Number(n) + 1}`);
    bucket().write({
      key: jobKey(world.feed, episode),
      expected: null,
      value: new TextEncoder().encode(more),
    });
  };
});

describe('a write without an answer', () => {
  it('that landed is known by its nonce, and not done twice', async () => {
    world.nats.faultNextWrite({ kind: 'landed' });
    expect(await move()).toMatchObject({ kind: 'moved' });
    expect([await wanted(), writes()]).toEqual([2, 1]);
  });

  it('that was lost is given up, and not taken for somebody else’s', async () => {
    world.nats.faultNextWrite({ kind: 'lost' });
    expect(await move()).toEqual({ kind: 'given_up', reason: 'no answer (twin)' });
    expect([await wanted(), writes()]).toEqual([1, 0]);
  });

  it('that lands late is given up for now; the tail tells that it came', async () => {
    world.nats.faultNextWrite({ kind: 'late', afterMs: 50 });
    expect((await move()).kind).toBe('given_up');
    await world.clock.advance(50);
    const row = episodeRow(world.replica.snapshot, world.feed, episode);
    expect([row?.state.stages.download.wanted, writes()]).toEqual([2, 1]);
  });

  it('that lands late is refused by its revision where somebody wrote meanwhile', async () => {
    world.nats.faultNextWrite({ kind: 'late', afterMs: 50 });
    await move();
    await move();
    await world.clock.advance(50);
    expect([await wanted(), writes()]).toEqual([2, 1]);
  });

  it('is in doubt while nothing can be read either', async () => {
    const outcome = move(() => {
      world.client.cut();
      return request();
    });
    await world.clock.advance(10_000);
    expect((await outcome).kind).toBe('given_up');
    const read = world.store.readEpisode(world.feed, episode);
    const failed = expect(read).rejects.toThrow('did not answer');
    await world.clock.advance(10_000);
    await failed;
  });
});

describe('a coordinator that does not lead', () => {
  it('writes nothing of the state: no move, no episode, no feed, no session', async () => {
    const before = bucket().revision();
    world.leads = false;
    expect(await move()).toMatchObject({
      kind: 'given_up',
      reason: expect.stringContaining('does not lead'),
    });
    const { store, feed, agent } = world;
    const outcomes = [
      await store.createEpisode(feed, episodeOf(feed, 1), newEpisode(CLUSTER, NONCE, 'poll')),
      await store.casFeed(feedRecordOf(), 0),
      await store.casSession(sessionRecordOf(), 0),
    ];
    expect(outcomes.map(({ kind }) => kind)).toEqual(['unknown', 'unknown', 'unknown']);
    expect(bucket().revision()).toBe(before);
    for (const key of [feedKey(feed), sessionKey(agent)]) expect(bucket().read(key)).toBeNull();
  });
});

describe('records', () => {
  it('come back as they were written, with the revision to write at', async () => {
    const { store, feed, agent } = world;
    expect(await store.readFeed(feed)).toEqual({ record: null, revision: 0 });
    const first = await store.casFeed(feedRecordOf(), 0);
    const session = await store.casSession(sessionRecordOf(), 0);
    const feedRead = await store.readFeed(feed);
    const sessionRead = await store.readSession(agent);
    expect([feedRead.record, sessionRead.record]).toEqual([feedRecordOf(), sessionRecordOf()]);
    expect([
      { kind: 'written', revision: feedRead.revision },
      { kind: 'written', revision: sessionRead.revision },
    ]).toEqual([first, session]);
    expect(await store.casFeed(feedRecordOf(), 0)).toEqual({ kind: 'conflict' });
    expect(world.replica.snapshot.sessions.get(agent)?.session).toBe(sessionRead.revision);
  });

  it('of an episode are made once', async () => {
    const state = newEpisode(CLUSTER, NONCE, 'poll');
    expect(await world.store.createEpisode(world.feed, episode, state)).toEqual({
      kind: 'conflict',
    });
  });

  it('that cannot be read are an error, never an absence that somebody writes over', async () => {
    world.damage(episode);
    await expect(world.store.readEpisode(world.feed, episode)).rejects.toThrow('cannot be read');
    await expect(move()).rejects.toThrow('cannot be read');
    const garbage = { expected: null, value: new TextEncoder().encode('{}') };
    bucket().write({ key: feedKey(world.feed), ...garbage });
    await expect(world.store.readFeed(world.feed)).rejects.toThrow('cannot be read');
    world.nats.bucket(BUCKETS.meta).write({ key: metaKey(world.feed, episode), ...garbage });
    await expect(world.store.readMeta(world.feed, episode)).rejects.toThrow('cannot be read');
  });

  it('that were removed by hand are read with the revision that the next write must expect', async () => {
    bucket().write({ key: jobKey(world.feed, episode), expected: null, value: null });
    const revision = bucket().revision();
    expect(await world.store.readEpisode(world.feed, episode)).toEqual({ record: null, revision });
  });

  it('of titles are read as they were put', async () => {
    expect(await world.store.readMeta(world.feed, episode)).toMatchObject({ title: 'Part 0' });
    expect(await world.store.readMeta(world.feed, episodeOf(world.feed, 9))).toBeNull();
  });
});

function feedRecordOf() {
  return {
    cluster: CLUSTER,
    nonce: NONCE,
    feed: world.feed,
    url: 'http://127.0.0.1/',
    title: null,
    addedMs: 1,
    bookScore: null,
    formerUrls: [],
    generation: 0,
    etag: null,
    lastModified: null,
    lastSuccessMs: null,
    failures: 0,
    nextPollMs: 0,
    problem: null,
    listed: 0,
  };
}

function sessionRecordOf() {
  return {
    cluster: CLUSTER,
    nonce: NONCE,
    agent: world.agent,
    state: 'live' as const,
    boot: 'b',
    host: 'h',
    version: '0',
    engine: '',
    slots: { download: 1, transcribe: 1 },
    sinceMs: 0,
    session: 0,
  };
}
