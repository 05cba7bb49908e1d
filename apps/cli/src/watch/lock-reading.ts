import type { CoordinatorClient } from '../client.ts';
import { type LockView, lockView } from '../views/lock-map.ts';

/** More than a screen can be looked through; `podctl lock list` pages through all of them. */
const LOCKS_MAX = 1_000;

/** The locks that are held now. Rejects with CommandError. */
export async function readLocks(client: CoordinatorClient): Promise<readonly LockView[]> {
  const { locks } = await client.listLocks({ pageSize: LOCKS_MAX, pageToken: '' });
  return locks.map(lockView);
}
