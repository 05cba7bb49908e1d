import { randomBytes } from 'node:crypto';
import { BUCKETS, CLUSTER_KEY } from '@podctl/domain/key.ts';
import { clusterRecord, restoringRecord } from '@podctl/platform/records.ts';
import { ManualClock } from '@podctl/platform/twin/manual-clock.ts';
import { MemoryNats } from '@podctl/platform/twin/memory-nats.ts';
import { expect, test } from 'vitest';
import { CLUSTER } from '../../../../test/support/hand-built-fleet.ts';
import { ensureCluster } from './cluster.ts';
import { Replica } from './replica.ts';

function world() {
  const nats = new MemoryNats(new ManualClock(), { onError: () => undefined });
  const state = nats.client('c').kv(BUCKETS.state);
  const replica = new Replica({ nowMs: () => 0, rewound: () => undefined });
  const ports = { state, randomBytes: (count: number) => randomBytes(count) };
  return { state, replica, ensure: () => ensureCluster(ports, replica) };
}

test('nobody makes a world of half a restore, and the next leader takes the one that it ends with', async () => {
  const { state, replica, ensure } = world();
  const marker = restoringRecord.encode({ restoring: { sha256: 'ab', file: 'b.gz' } });
  const written = await state.cas(CLUSTER_KEY, 0, marker);
  if (written.kind !== 'written') throw new Error(written.kind);
  const { revision } = written;
  replica.entry({ kind: 'value', key: CLUSTER_KEY, revision, value: marker });
  await expect(ensure()).rejects.toThrow(/restore of b\.gz has not ended/);
  expect(replica.snapshot.cluster).toBeNull();

  await state.cas(CLUSTER_KEY, revision, clusterRecord.encode({ cluster: CLUSTER }));
  await ensure();
  expect(replica.snapshot.cluster).toBe(CLUSTER);
  expect(replica.snapshot.unreadable.size).toBe(0);
});

test('the first leader names the world, and the second reads the name', async () => {
  const { replica, ensure } = world();
  await ensure();
  const { cluster } = replica.snapshot;
  await ensure();
  expect(replica.snapshot.cluster).toBe(cluster);
  expect(cluster).not.toBeNull();
});
