import { randomBytes } from 'node:crypto';
import type { AgentId, EpisodeId } from '@podctl/domain/ids.ts';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { AgentDouble } from '../../../../test/support/agent-double.ts';
import { LeaderWorld } from '../../../../test/support/leader-world.ts';
import type { PutOut, Standing } from './access.ts';
import { RevokedSessions } from './revoked-sessions.ts';
import { Sessions } from './sessions.ts';

const FILES = { 'audio.mp3': 'sound' };

let world: LeaderWorld;
let episode: EpisodeId;
let agent: AgentDouble;
let sessions: Sessions;
let service: RevokedSessions;
const revoked = new Set<AgentId>();
const standings = new Map<AgentId, Standing>();
let changed = () => {};

const putOut: PutOut = {
  standing: (of: AgentId) => (revoked.has(of) ? 'revoked' : (standings.get(of) ?? 'in')),
  onChange: (listener: () => void) => {
    changed = listener;
    return () => {
      changed = () => {};
    };
  },
};

beforeEach(async () => {
  revoked.clear();
  standings.clear();
  world = await LeaderWorld.start();
  const { client, replica, log, clock } = world;
  const of = { heartbeatMs: 5_000, lostAfterMs: 30_000, libraryId: world.library.id };
  sessions = new Sessions({ ...world.settle, ...of, clock, bus: client.bus, replica, log, putOut });
  service = new RevokedSessions({ clock, log, replica, sessions, putOut });
  await sessions.start();
  await service.start();
  episode = await world.episode();
  agent = new AgentDouble(client.bus, world.library, world.agent);
  expect(await agent.hello()).toMatchObject({ kind: 'welcome' });
});

afterEach(async () => {
  await service.stop();
  await sessions.stop();
  world.stop();
});

const state = async () => (await world.store.readSession(world.agent)).record?.state;
const lock = async () => (await world.state(episode)).stages.download.lock;

/** Tells of it, and lets less than a second pass. */
async function putOutNow(id: AgentId = world.agent): Promise<void> {
  revoked.add(id);
  changed();
  await world.clock.advance(100);
}

test('the session of a revoked agent ends at once, and its job is free for others, with nothing held against it', async () => {
  await world.assign(episode, 'download', agent.session);
  await putOutNow();
  expect(await state()).toBe('gone');
  expect(await lock()).toMatchObject({
    state: 'free',
    lostBy: [],
    failures: 0,
    reason: `agent ${world.agent} was revoked`,
  });
});

test('what a revoked agent had finished is committed, as of any session that ends', async () => {
  const token = await world.assign(episode, 'download', agent.session);
  await world.finish(episode, token, FILES);
  await putOutNow();
  expect(await lock()).toMatchObject({ state: 'committed', token });
});

test('a revoked agent is refused for good when it says hello, also as a new process', async () => {
  await putOutNow();
  const final = { kind: 'refused', final: true, reason: expect.stringMatching(/join anew/) };
  expect(await agent.hello()).toMatchObject(final);
  const { client, library } = world;
  expect(await new AgentDouble(client.bus, library, world.agent).hello()).toMatchObject(final);
  expect(await state()).toBe('gone');
});

test('an agent that no record lets in any more is out, and is told to join anew until one does', async () => {
  standings.set(world.agent, 'unknown');
  changed();
  await world.clock.advance(100);
  expect(await state()).toBe('gone');
  const reason = 'this machine is not known to the fleet (any more): join anew with a fresh token';
  expect(await agent.hello()).toMatchObject({ kind: 'refused', final: false, reason });
  standings.clear();
  expect(await agent.hello()).toMatchObject({ kind: 'welcome' });
});

test('while the records are read anew nobody loses a session, and nobody is let in', async () => {
  standings.set(world.agent, 'unread');
  changed();
  await world.clock.advance(100);
  expect(await state()).toBe('live');
  expect(await agent.hello()).toMatchObject({ kind: 'refused', final: false });
});

test('nobody else loses a session, and who joined anew is let in again', async () => {
  await putOutNow(randomBytes(4).toString('hex') as AgentId);
  expect(await state()).toBe('live');
  await putOutNow();
  revoked.clear();
  changed();
  expect(await agent.hello()).toMatchObject({ kind: 'welcome' });
});

test('a leader that comes after the revocation ends the session, though nothing changes any more', async () => {
  await service.stop();
  revoked.add(world.agent);
  const { replica, log, clock } = world;
  service = new RevokedSessions({ clock, log, replica, sessions, putOut });
  await service.start();
  await world.clock.advance(100);
  expect(await state()).toBe('gone');
});
