import type { Progress } from './progress.ts';
import type { LockRow } from './snapshot.ts';

/**
 * The held locks that have shown no progress for so long, by this leader's own monotonic clock. A lock counts from when
 * this leader first saw it: what another one saw before is not known here, so each has the whole time under each leader.
 * `firstSeen` belongs to one reign; it is kept to the locks that there are.
 */
export function locksWithoutProgress(
  locks: ReadonlyMap<string, LockRow>,
  progress: Progress,
  firstSeen: Map<string, number>,
  { nowMs, staleAfterMs }: StaleRule,
): LockRow[] {
  const stale: LockRow[] = [];
  const here = new Set<string>();
  for (const [id, row] of locks) {
    if (row.lock.state !== 'held') continue;
    const key = `${id} ${row.lock.token}`;
    here.add(key);
    const seenMs = firstSeen.get(key) ?? nowMs;
    firstSeen.set(key, seenMs);
    const movedAtMs = progress.of(id, row.lock.token)?.movedAtMs ?? seenMs;
    if (nowMs - Math.max(movedAtMs, seenMs) > staleAfterMs) stale.push(row);
  }
  for (const key of firstSeen.keys()) if (!here.has(key)) firstSeen.delete(key);
  return stale;
}

export interface StaleRule {
  readonly nowMs: number;
  readonly staleAfterMs: number;
}
