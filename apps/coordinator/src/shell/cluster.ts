import { clusterIdFrom } from '@podctl/domain/ids.ts';
import { CLUSTER_KEY } from '@podctl/domain/key.ts';
import { clusterRecord, restoringRecord } from '@podctl/platform/records.ts';
import type { CoordinatorPorts } from '../ports.ts';
import type { Replica } from './replica.ts';

/**
 * The first leader of all names the world; everybody else reads the name. Rejects when NATS does not answer,
 * and while a backup is being restored: a world of its own must not be made from half of one.
 */
export async function ensureCluster(
  { state, randomBytes }: Pick<CoordinatorPorts, 'state' | 'randomBytes'>,
  replica: Replica,
): Promise<void> {
  const known = await state.get(CLUSTER_KEY);
  if (known?.kind !== 'value') {
    const value = clusterRecord.encode({ cluster: clusterIdFrom(randomBytes(10)) });
    const written = await state.cas(CLUSTER_KEY, known?.revision ?? 0, value);
    if (written.kind === 'unknown') throw written.cause;
  }
  const entry = await state.get(CLUSTER_KEY);
  if (entry?.kind !== 'value') throw new Error('the cluster id cannot be read back');
  const restoring = restoringRecord.decode(entry.value);
  if (restoring.ok)
    throw new Error(
      `the restore of ${restoring.value.restoring.file} has not ended: stop the coordinators, then run "podctl backup restore" with the same file again`,
    );
  replica.entry(entry);
}
