import type { AgentId, EpisodeId } from '@podctl/domain/ids.ts';
import { commandSubject } from '@podctl/domain/key.ts';
import { commandMessage } from '@podctl/platform/wire.ts';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { LeaderWorld } from '../../../../test/support/leader-world.ts';
import { setCordon } from './cordon-orders.ts';
import { Drains } from './drains.ts';

let world: LeaderWorld;
let drains: Drains;
let episode: EpisodeId;
/** What the agent was told. */
let told: unknown[];

beforeEach(async () => {
  world = await LeaderWorld.start();
  const { replica, log, client } = world;
  drains = new Drains({ ...world.settle, bus: client.bus, replica, log });
  episode = await world.episode();
  told = [];
  world.nats.client('agent').bus.subscribe(commandSubject(world.agent), ({ data }) => {
    const command = commandMessage.decode(data);
    told.push(command.ok ? command.value : command.error);
  });
});
afterEach(async () => {
  await drains.stop();
  world.stop();
});

const lockOf = async (id = episode) => (await world.state(id)).stages.download.lock;
const cordonOf = async (agent: AgentId = world.agent) =>
  (await world.store.readCordon(agent)).record;
const drain = (deadlineInMs: number | null, agent: AgentId = world.agent) =>
  setCordon(world, agent, { kind: 'drain', reason: 'new disk', by: 'ada', deadlineInMs });

describe('a drain', () => {
  it('takes what is left away at its deadline, at no cost to the job, and tells the agent', async () => {
    const token = await world.assign(episode);
    await drain(60_000);
    await drains.start();
    await world.clock.advance(59_000);
    expect(await lockOf()).toMatchObject({ state: 'held' });
    expect(await cordonOf()).toMatchObject({ kind: 'draining' });
    await world.clock.advance(3_000);
    expect(await lockOf()).toMatchObject({
      ...{ state: 'free', failures: 0, lostBy: [], notBeforeMs: 0 },
      reason: `the deadline of agent ${world.agent}'s drain is over`,
    });
    expect(told).toMatchObject([{ kind: 'cancel', session: 3, job: { token, run: 1 } }]);
    expect(await cordonOf()).toMatchObject({
      ...{ kind: 'drained', reason: 'new disk', by: 'ada', deadlineMs: null },
    });
  });

  it('waits for as long as it takes where it has no deadline, and ends with the last job', async () => {
    const token = await world.assign(episode);
    await drain(null);
    await drains.start();
    await world.clock.advance(600_000);
    expect(await lockOf()).toMatchObject({ state: 'held' });
    await world.commit(episode, token, await world.finish(episode, token, { 'a.mp3': 'sound' }));
    await world.clock.advance(1_000);
    expect(await cordonOf()).toMatchObject({ kind: 'drained' });
    expect(told).toEqual([]);
  });

  it('commits at its deadline what is finished and not judged yet', async () => {
    const token = await world.assign(episode);
    await world.finish(episode, token, { 'a.mp3': 'sound' });
    await drain(0);
    await drains.start();
    await world.clock.advance(2_000);
    expect(await lockOf()).toMatchObject({ state: 'committed', token });
    expect(told).toEqual([]);
    expect(await cordonOf()).toMatchObject({ kind: 'drained' });
  });

  it('takes nothing away while the library cannot be looked at, and goes on with it', async () => {
    await world.assign(episode);
    world.library.offline = 'unmounted';
    await drain(0);
    await drains.start();
    await world.clock.advance(5_000);
    expect(await lockOf()).toMatchObject({ state: 'held' });
    world.library.offline = null;
    await world.clock.advance(2_000);
    expect(await lockOf()).toMatchObject({ state: 'free' });
  });

  it('does not wait for one attempt whose files cannot be looked at', async () => {
    const token = await world.assign(episode);
    await world.finish(episode, token, { 'a.mp3': 'sound' });
    world.library.unreadable.add(`${world.staging(episode, token)}/a.mp3`);
    const other = await world.episode(1);
    await world.assign(other);
    await drain(0);
    await drains.start();
    await world.clock.advance(2_000);
    expect(await lockOf()).toMatchObject({ state: 'held' });
    expect(await lockOf(other)).toMatchObject({ state: 'free' });
    expect(await cordonOf()).toMatchObject({ kind: 'draining' });
    expect(world.said).not.toContain('warn: a turn of a loop failed');
  });

  it('takes back what reached the agent late', async () => {
    await drain(null);
    await drains.start();
    await world.clock.advance(1_000);
    expect(await cordonOf()).toMatchObject({ kind: 'drained' });
    await world.assign(episode);
    await world.clock.advance(1_000);
    expect(await lockOf()).toMatchObject({ state: 'free', failures: 0 });
  });

  it('that is called off while its locks are taken back leaves the rest', async () => {
    const episodes = [episode];
    for (let n = 1; n < 20; n += 1) episodes.push(await world.episode(n));
    for (const each of episodes) await world.assign(each);
    await drain(0);
    const check = world.library.check.bind(world.library);
    let opened: Promise<unknown> | null = null;
    world.library.check = async () => {
      opened ??= setCordon(world, world.agent, { kind: 'uncordon', by: '' });
      await opened;
      return check();
    };
    await drains.start();
    await world.clock.advance(2_000);
    const locks = await Promise.all(episodes.map((each) => lockOf(each)));
    expect(locks.filter(({ state }) => state === 'held')).toHaveLength(4);
  });

  it('that is called off leaves what the agent holds', async () => {
    await world.assign(episode);
    await drain(5_000);
    await drains.start();
    await setCordon(world, world.agent, { kind: 'uncordon', by: '' });
    await world.clock.advance(10_000);
    expect(await lockOf()).toMatchObject({ state: 'held' });
    expect(await cordonOf()).toMatchObject({ kind: 'open' });
  });
});
