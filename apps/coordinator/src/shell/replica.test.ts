import type { AgentId } from '@podctl/domain/ids.ts';
import { BUCKETS, cordonKey } from '@podctl/domain/key.ts';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { LeaderWorld } from '../../../../test/support/leader-world.ts';
import { setCordon } from './cordon-orders.ts';

let world: LeaderWorld;
beforeEach(async () => {
  world = await LeaderWorld.start();
});
afterEach(() => world.stop());

it('an agent whose cordon cannot be read is kept from work, and its record is left as it is', async () => {
  const newer = 'gpu-1' as AgentId;
  const value = new TextEncoder().encode('{"v":2,"kind":"resting"}');
  const bucket = world.nats.bucket(BUCKETS.state);
  const key = cordonKey(newer);
  bucket.write({ key, expected: null, value });
  await world.clock.advance(0);
  const { cordons, unreadable } = world.replica.snapshot;
  expect(cordons.get(newer)?.record).toMatchObject({ agent: newer, kind: 'cordoned' });
  expect(unreadable.has(key)).toBe(true);
  const wish = { kind: 'uncordon', by: 'ada' } as const;
  await expect(setCordon(world, newer, wish)).rejects.toThrow('cannot be read');
  expect(await world.client.kv(BUCKETS.state).get(key)).toMatchObject({ kind: 'value', value });
});
