import type { AgentId } from '@podctl/domain/ids.ts';
import { commandSubject } from '@podctl/domain/key.ts';
import type { CommandMessage } from '@podctl/domain/protocol.ts';
import { commandMessage } from '@podctl/platform/wire.ts';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { LeaderWorld } from '../../../../test/support/leader-world.ts';
import { bandwidthShares } from '../core/bandwidth-share.ts';
import { BandwidthShares } from './bandwidth-shares.ts';

let world: LeaderWorld;
let shares: BandwidthShares;
let told: CommandMessage[];
beforeEach(async () => {
  world = await LeaderWorld.start();
  told = [];
  const { clock, replica, log } = world;
  const { bus } = world.client;
  world.nats.client('agent').bus.subscribe(commandSubject(world.agent), ({ data }) => {
    const command = commandMessage.decode(data);
    if (command.ok) told.push(command.value);
  });
  shares = new BandwidthShares({ clock, bus, replica, log, bytesPerSecondMax: 1_000_000 });
});
afterEach(async () => {
  await shares.stop();
  world.stop();
});

describe('the fleet’s bandwidth', () => {
  it('is told to an agent within half a second of its first download, and again and again', async () => {
    await shares.start();
    await world.clock.advance(500);
    expect(told).toEqual([]);
    await world.assign(await world.episode());
    await world.clock.advance(500);
    expect(told).toEqual([{ kind: 'bandwidth', session: 3, bytesPerSecond: 1_000_000 }]);
    await world.clock.advance(1_000);
    expect(told).toHaveLength(1);
    await world.clock.advance(5_000);
    expect(told).toHaveLength(2);
  });

  it('is shared evenly by those that hold downloads, however many each holds', async () => {
    for (const n of [0, 1]) await world.assign(await world.episode(n));
    const { snapshot } = world.replica;
    const [one] = [...snapshot.locks.values()];
    if (one === undefined) throw new Error('no lock is held');
    const other = { ...one, lock: { ...one.lock, agent: 'b' as AgentId } };
    const locks = new Map([...snapshot.locks, ['other', other]]);
    const both = bandwidthShares({ ...snapshot, locks } as typeof snapshot, 1_000_000);
    expect(both.map(({ bytesPerSecond }) => bytesPerSecond)).toEqual([500_000, 500_000]);
    expect(bandwidthShares(snapshot, 1_000_000)).toHaveLength(1);
  });
});
