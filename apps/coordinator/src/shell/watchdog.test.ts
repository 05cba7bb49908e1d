import type { AgentId, EpisodeId } from '@podctl/domain/ids.ts';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { CLUSTER } from '../../../../test/support/hand-built-fleet.ts';
import { LeaderWorld } from '../../../../test/support/leader-world.ts';
import { Liveness } from '../core/liveness.ts';
import { Sessions } from './sessions.ts';
import { Watchdog } from './watchdog.ts';

const LOST_AFTER_MS = 30_000;
/** The next look comes within this time. */
const LOOK_MS = 1_000;
const FILES = { 'audio.mp3': 'sound' };

let world: LeaderWorld;
let liveness: Liveness;
let episode: EpisodeId;
let session: number;
/** How long this process was paused: time went on, and nobody woke it. */
let pausedMs: number;
const watchdogs: Watchdog[] = [];

beforeEach(async () => {
  world = await LeaderWorld.start();
  liveness = new Liveness();
  pausedMs = 0;
  episode = await world.episode();
  session = await live(world.agent);
});
afterEach(async () => {
  for (const watchdog of watchdogs.splice(0)) await watchdog.stop();
  world.stop();
});

async function live(agent: AgentId): Promise<number> {
  const { revision } = await world.store.readSession(agent);
  const written = await world.store.casSession({ ...record(agent), state: 'live' }, revision);
  if (written.kind !== 'written') throw new Error('no session was made');
  return written.revision;
}

/** A term begins: a watchdog is made and started. */
async function lead(): Promise<void> {
  const { client, replica, log } = world;
  const clock = {
    wallMs: () => world.clock.wallMs(),
    monotonicMs: () => world.clock.monotonicMs() + pausedMs,
    sleep: (ms: number, signal: AbortSignal) => world.clock.sleep(ms, signal),
  };
  const deps = { ...world.settle, clock };
  const of = { heartbeatMs: 5_000, lostAfterMs: LOST_AFTER_MS, libraryId: world.library.id };
  const sessions = new Sessions({ ...deps, ...of, bus: client.bus, replica, log });
  const connected = () => client.reachesServer;
  const watchdog = new Watchdog({ ...deps, ...of, replica, liveness, sessions, log, connected });
  watchdogs.push(watchdog);
  await watchdog.start();
}

/** Time passes, and the agent speaks every five seconds of it. */
async function speaking(agent: AgentId, of: number, ms: number): Promise<void> {
  for (let passed = 0; passed < ms; passed += 5_000) {
    liveness.heard(agent, of, world.clock.monotonicMs() + pausedMs);
    await world.clock.advance(5_000);
  }
}

const state = async (agent = world.agent) => (await world.store.readSession(agent)).record?.state;
const lock = async (id = episode) => (await world.state(id)).stages.download.lock;

describe('a session that falls silent', () => {
  it('is lost, just after the limit, and what it held is free again with the loss counted', async () => {
    await world.assign(episode, 'download', session);
    await lead();
    await speaking(world.agent, session, 60_000);
    await world.clock.advance(LOST_AFTER_MS - 5_000);
    expect(await state()).toBe('live');
    await world.clock.advance(LOOK_MS);
    expect(await state()).toBe('lost');
    expect(await lock()).toMatchObject({ state: 'free', lostBy: [world.agent], failures: 0 });
    expect(world.replica.snapshot.sessions.get(world.agent)?.session).toBe(session);
  });

  it('loses nothing that it had finished: a complete manifest is committed', async () => {
    const token = await world.assign(episode, 'download', session);
    const manifest = await world.finish(episode, token, FILES);
    await lead();
    await world.clock.advance(LOST_AFTER_MS + LOOK_MS);
    expect(await state()).toBe('lost');
    expect(await lock()).toMatchObject({ state: 'committed', token, manifest, lostBy: [] });
  });

  it('is the only one that is lost, and is lost once', async () => {
    const other = 'a2' as AgentId;
    const alive = await live(other);
    await world.assign(episode, 'download', session);
    await lead();
    await speaking(other, alive, 3 * LOST_AFTER_MS);
    expect([await state(), await state(other)]).toEqual(['lost', 'live']);
    expect(await lock()).toMatchObject({ lostBy: [world.agent] });
  });

  it('keeps nobody else from being lost when its files cannot be looked at', async () => {
    const token = await world.assign(episode, 'download', session);
    world.library.unreadable.add(`${world.staging(episode, token)}/audio.mp3`);
    await world.finish(episode, token, FILES);
    const second = await world.episode(1);
    await world.assign(second, 'download', session);
    await lead();
    await world.clock.advance(LOST_AFTER_MS + LOOK_MS);
    expect(await lock()).toMatchObject({ state: 'held', token });
    expect(await lock(second)).toMatchObject({ state: 'free', lostBy: [world.agent] });
    world.library.unreadable.clear();
    await world.clock.advance(2 * LOOK_MS);
    expect(await lock()).toMatchObject({ state: 'committed', token });
  });

  it('may begin again: its next session is live from its first moment', async () => {
    await lead();
    await world.clock.advance(LOST_AFTER_MS + LOOK_MS);
    const next = await live(world.agent);
    await world.clock.advance(LOOK_MS);
    expect(await state()).toBe('live');
    await speaking(world.agent, next, 2 * LOST_AFTER_MS);
    expect(await state()).toBe('live');
  });
});

describe('nobody is lost because of what happened to the coordinator itself', () => {
  it('its connection was gone: the time without it does not count', async () => {
    await world.assign(episode, 'download', session);
    await lead();
    await speaking(world.agent, session, 10_000);
    world.client.cut();
    await world.clock.advance(20 * LOST_AFTER_MS);
    world.client.heal();
    await world.clock.advance(LOST_AFTER_MS - 7_000);
    expect([await state(), (await lock()).state]).toEqual(['live', 'held']);
    await world.clock.advance(7_000 + LOOK_MS);
    expect([await state(), (await lock()).state]).toEqual(['lost', 'free']);
  });

  it('it was paused: the pause does not count', async () => {
    await lead();
    await speaking(world.agent, session, 10_000);
    pausedMs = 20 * LOST_AFTER_MS;
    await world.clock.advance(LOST_AFTER_MS - 6_000);
    expect(await state()).toBe('live');
    await world.clock.advance(6_000 + LOOK_MS);
    expect(await state()).toBe('lost');
  });

  it('it did not lead: each term begins anew', async () => {
    liveness.heard(world.agent, session, world.clock.monotonicMs());
    await world.clock.advance(20 * LOST_AFTER_MS);
    await lead();
    await world.clock.advance(LOST_AFTER_MS - LOOK_MS);
    expect(await state()).toBe('live');
    await world.clock.advance(2 * LOOK_MS);
    expect(await state()).toBe('lost');
  });

  it('it does not lead any more: nothing is written', async () => {
    await world.assign(episode, 'download', session);
    await lead();
    world.leads = false;
    await world.clock.advance(3 * LOST_AFTER_MS);
    expect([await state(), (await lock()).state]).toEqual(['live', 'held']);
  });
});

describe('locks without a live session', () => {
  it('left by a leader that died between two writes are taken back', async () => {
    await world.assign(episode, 'download', session);
    await end('lost');
    await lead();
    await world.clock.advance(0);
    expect(await lock()).toMatchObject({ state: 'free', lostBy: [world.agent] });
  });

  it('wait for the connection, and nothing is tried before', async () => {
    await world.assign(episode, 'download', session);
    await end('lost');
    world.client.cut();
    await lead();
    await world.clock.advance(20 * LOOK_MS);
    expect(world.said).toEqual([]);
    world.client.heal();
    await world.clock.advance(LOOK_MS);
    expect((await lock()).state).toBe('free');
  });

  it('of one that said goodbye are handed back without a loss', async () => {
    await world.assign(episode, 'download', session);
    await end('gone');
    await lead();
    await world.clock.advance(0);
    expect(await lock()).toMatchObject({ state: 'free', lostBy: [], failures: 0 });
  });

  it('that are committed are left to be finished', async () => {
    const token = await world.assign(episode, 'download', session);
    await world.commit(episode, token, await world.finish(episode, token, FILES));
    await end('lost');
    await lead();
    await world.clock.advance(2 * LOOK_MS);
    expect(await lock()).toMatchObject({ state: 'committed', token });
  });

  it('wait while the library is away: nobody could look for a manifest', async () => {
    const token = await world.assign(episode, 'download', session);
    await world.finish(episode, token, FILES);
    await lead();
    world.library.offline = 'not mounted';
    await world.clock.advance(LOST_AFTER_MS + LOOK_MS);
    expect([await state(), (await lock()).state]).toEqual(['lost', 'held']);
    world.library.offline = null;
    await world.clock.advance(LOOK_MS);
    expect(await lock()).toMatchObject({ state: 'committed', token });
  });

  it('are taken back though one among them cannot be read', async () => {
    const others = await Promise.all([1, 2].map((n) => world.episode(n)));
    for (const id of [episode, ...others]) await world.assign(id, 'download', session);
    world.damage(episode);
    await end('lost');
    await lead();
    await world.clock.advance(3 * LOOK_MS);
    for (const id of others) expect((await lock(id)).state).toBe('free');
  });

  async function end(as: 'lost' | 'gone'): Promise<void> {
    const { revision } = await world.store.readSession(world.agent);
    await world.store.casSession({ ...record(world.agent), state: as, session }, revision);
  }
});

function record(agent: AgentId) {
  return {
    cluster: CLUSTER,
    nonce: world.newNonce(),
    agent,
    boot: 'b',
    host: 'h',
    version: '0',
    engine: '',
    slots: { download: 1, transcribe: 1 },
    sinceMs: 0,
    session: 0,
  };
}
