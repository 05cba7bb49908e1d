import { rename, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { TokenReport } from '@podctl/domain/protocol.ts';
import { afterEach, describe, expect, it } from 'vitest';
import { CoordinatorWorld, rss } from '../../../test/support/coordinator-world.ts';
import type { CoordinatorSettings } from './settings.ts';

let world: CoordinatorWorld;
const begin = async (settings: Partial<CoordinatorSettings> = {}) => {
  world = await CoordinatorWorld.start(settings);
  return world;
};
afterEach(() => world.stop());

const isDone = (feed: string) => () =>
  world.episodes(feed).every(({ state }) => state.stages.transcribe.done !== null);

describe('the way of an episode', () => {
  it('goes from its feed through download and transcription to readable names', async () => {
    await begin();
    await world.addFeed('alpha', 1);
    const agent = world.agent('a1');
    await agent.hello();
    expect(await agent.complete(await agent.nextStart('download'))).toEqual({
      kind: 'verdict',
      answer: 'accepted',
    });
    const transcribe = await agent.nextStart('transcribe');
    expect(transcribe.work).toMatchObject({
      kind: 'transcribe',
      model: 'tiny.en',
      audioSeconds: 30,
    });
    await agent.complete(transcribe);
    await world.until(isDone('alpha'));
    const id = world.episodes('alpha')[0]?.episode.slice(0, 8);
    const name = `podcasts/The alpha show/2026-01-05 - Part 0 [${id}]`;
    await world.until(() => world.coordinator.events.newest() >= 5);
    for (const extension of ['mp3', 'info.json']) await eventually(`${name}.${extension}`);
  });

  it('answers accepted again and again, and never counts twice', async () => {
    await begin();
    await world.addFeed('alpha', 1);
    const agent = world.agent('a1');
    await agent.hello();
    const start = await agent.nextStart('download');
    const manifestSha256 = await agent.finish(start, { 'audio.mp3': 'sound' }, 30);
    const ask = () => agent.verdict(start.job, { kind: 'finished', manifestSha256 });
    expect(await ask()).toMatchObject({ answer: 'accepted' });
    await agent.nextStart('transcribe');
    expect(await ask()).toMatchObject({ answer: 'accepted' });
    expect(world.episodes('alpha')[0]?.state.stages.download.done).toMatchObject({
      run: 1,
      token: start.job.token,
    });
  });

  it('refuses a result whose manifest is not complete, and tries again', async () => {
    await begin();
    await world.addFeed('alpha', 1);
    const agent = world.agent('a1');
    await agent.hello();
    const start = await agent.nextStart('download');
    expect(
      await agent.verdict(start.job, { kind: 'finished', manifestSha256: '0'.repeat(64) }),
    ).toMatchObject({ answer: 'fenced' });
    const again = await agent.nextStart('download');
    expect(again.job.token).toBeGreaterThan(start.job.token);
  });

  it('tries a failed attempt again after its back-off, and gives up after the last', async () => {
    await begin();
    await world.addFeed('alpha', 1);
    const agent = world.agent('a1');
    await agent.hello();
    const failed = {
      kind: 'failed',
      code: 'x',
      reason: 'the host is down',
      retryAfterMs: null,
      final: false,
      returned: false,
    } as const;
    expect(await agent.verdict((await agent.nextStart()).job, failed)).toMatchObject({
      answer: 'noted',
    });
    expect(await agent.verdict((await agent.nextStart()).job, failed)).toMatchObject({
      answer: 'noted',
    });
    expect(world.lock('alpha', 'download')).toMatchObject({
      state: 'dead',
      reason: 'the host is down',
    });
  });
});

describe('the lives of agents', () => {
  it('closes the locks of a superseded session, committing what was complete', async () => {
    await begin();
    await world.addFeed('alpha', 2);
    const old = world.agent('a1');
    await old.hello();
    const [finished, unfinished] = [await old.nextStart(), await old.nextStart()];
    await old.finish(finished, { 'audio.mp3': 'sound' }, 30);
    old.isAlive = false;
    const young = world.agent('a1');
    expect(await young.hello({ download: 2, transcribe: 0 })).toMatchObject({ kind: 'welcome' });
    const again = await young.nextStart();
    expect(again.job.episode).toBe(unfinished.job.episode);
    expect(again.session).toBe(young.session);
    await world.until(() =>
      world
        .episodes('alpha')
        .some(({ state }) => state.stages.download.done?.token === finished.job.token),
    );
    // What the old process says now is refused; what it finished in time was accepted.
    expect(
      await old.verdict(unfinished.job, { kind: 'finished', manifestSha256: '0'.repeat(64) }),
    ).toMatchObject({ answer: 'fenced' });
    expect(
      await old.verdict(finished.job, { kind: 'finished', manifestSha256: '0'.repeat(64) }),
    ).toMatchObject({ answer: 'accepted' });
    expect(world.coordinator.info().fencedResults).toBe(1);
  });

  it('refuses a second live process with the same id', async () => {
    await begin();
    const first = world.agent('a1');
    await first.hello();
    const second = world.agent('a1');
    expect(await second.hello()).toMatchObject({ kind: 'refused', final: true });
  });

  it('welcomes the same process again into its session', async () => {
    await begin();
    const agent = world.agent('a1');
    await agent.hello();
    const { session } = agent;
    await agent.hello();
    expect(agent.session).toBe(session);
  });

  it('takes a silent agent’s job back once, and gives it to another', async () => {
    await begin({ lostAfterMs: 1_500 });
    await world.addFeed('alpha', 1);
    const silent = world.agent('a1');
    await silent.hello();
    const start = await silent.nextStart('download');
    const other = world.agent('a2');
    await other.hello();
    const beat = setInterval(() => other.heartbeat(), 200);
    const again = await other.nextStart('download');
    clearInterval(beat);
    expect(again.job).toMatchObject({ episode: start.job.episode, run: 1 });
    expect(world.lock('alpha', 'download')).toMatchObject({ lostBy: ['a1'], failures: 0 });
    silent.heartbeat();
    expect(await silent.next((command) => command.kind === 'rehello')).toMatchObject({
      session: silent.session,
    });
  });

  it('hands jobs back at a goodbye without counting a loss', async () => {
    await begin();
    await world.addFeed('alpha', 1);
    const agent = world.agent('a1');
    await agent.hello();
    await agent.nextStart();
    const reason = 'the agent was stopped by SIGTERM';
    expect(await agent.goodbye([], reason)).toEqual({ kind: 'farewell' });
    expect(world.lock('alpha', 'download')).toMatchObject({
      state: 'free',
      lostBy: [],
      failures: 0,
      reason,
    });
  });

  it('gives nothing to an agent that says that it drains', async () => {
    await begin();
    const [one, two] = [world.agent('a1'), world.agent('a2')];
    await one.hello();
    one.heartbeat([], true);
    await two.hello();
    await world.addFeed('alpha', 3);
    for (let n = 0; n < 2; n += 1) await two.nextStart();
    expect(one.commands).toEqual([]);
  });

  it('tells again what is missing from a heartbeat, and calls off what is not held', async () => {
    await begin();
    await world.addFeed('alpha', 1);
    const agent = world.agent('a1');
    await agent.hello();
    const start = await agent.nextStart();
    agent.heartbeat();
    expect((await agent.nextStart()).job).toEqual(start.job);
    await agent.complete(start);
    await agent.nextStart('transcribe');
    const stale: TokenReport = {
      ...start.job,
      token: (start.job.token - 1) as typeof start.job.token,
      phase: 'running',
      progress: 0,
    };
    agent.heartbeat([stale]);
    expect(await agent.next((command) => command.kind === 'cancel')).toMatchObject({
      job: { token: stale.token },
    });
  });
});

describe('feeds', () => {
  it('adds one URL once, and an id that is given takes a new URL over', async () => {
    await begin();
    await world.addFeed('alpha', 1);
    const [known] = await world.coordinator.orders.addFeeds([
      { url: world.url('/alpha'), title: null, bookScore: null, id: null },
    ]);
    expect(known).toMatchObject({ kind: 'known', feed: 'alpha' });
    world.feeds.set('/moved', { status: 200, body: rss('alpha', 3) });
    const [moved] = await world.coordinator.orders.addFeeds([
      { url: world.url('/moved'), title: null, bookScore: null, id: 'alpha' },
    ]);
    expect(moved).toMatchObject({ kind: 'moved', feed: 'alpha' });
    await world.until(() => world.episodes('alpha').length === 3);
  });

  it('is called by its title where nobody gave it a name, and by its URL where it does not tell', async () => {
    await begin();
    world.feeds.set('/x7/rss', { status: 200, body: rss('alpha', 1) });
    const add = (path: string) => ({
      url: world.url(path),
      title: null,
      bookScore: null,
      id: null,
    });
    const added = await world.coordinator.orders.addFeeds([add('/x7/rss'), add('/nowhere/rss')]);
    expect(added.map((one) => one.kind === 'added' && one.feed)).toEqual([
      'the-alpha-show',
      '127-0-0-1-nowhere-rss',
    ]);
  });

  it('shows a feed that is not XML as failing, and forgets nothing', async () => {
    await begin();
    await world.addFeed('alpha', 2);
    world.feeds.set('/page', { status: 200, body: '<!doctype html><html><body>hi</body></html>' });
    await world.coordinator.orders.addFeeds([
      { url: world.url('/page'), title: null, bookScore: null, id: 'alpha' },
    ]);
    const record = () =>
      world.coordinator.picture().snapshot.feeds.get(world.episodes('alpha')[0]?.feed as never)
        ?.record;
    await world.until(() => (record()?.failures ?? 0) > 0);
    expect(record()?.problem).toMatch(/HTML/);
    expect(world.episodes('alpha')).toHaveLength(2);
  });
});

describe('the library', () => {
  it('stops the planning while it is away, and goes on when it is back', async () => {
    await begin();
    const marker = join(world.library.root, 'library.json');
    await rename(marker, `${marker}.away`);
    await world.addFeed('alpha', 1);
    const agent = world.agent('a1');
    await agent.hello();
    expect(
      await agent.verdict(
        { ...job(), run: 1, token: 1 as never },
        { kind: 'finished', manifestSha256: '0'.repeat(64) },
      ),
    ).toMatchObject({ answer: 'fenced' });
    expect(world.lock('alpha', 'download')).toMatchObject({ state: 'free' });
    await rename(`${marker}.away`, marker);
    expect((await agent.nextStart()).job.stage).toBe('download');
  });
});

function job() {
  const [row] = world.episodes('alpha');
  if (row === undefined) throw new Error('no episode');
  return {
    feed: row.feed,
    episode: row.episode,
    stage: 'download' as const,
    token: row.revision as never,
  };
}

/** The readable names come right after the pointer flips: looked at after each change of the fleet. */
async function eventually(path: string): Promise<void> {
  for (let i = 0; i < 100; i += 1) {
    const found = await stat(join(world.library.root, path)).catch(() => null);
    if (found !== null) return;
    await new Promise((resolve) => setImmediate(resolve));
  }
  throw new Error(`${path} is not there`);
}
