import type { FeedRecord } from './feed-record.ts';
import type { ClusterId } from './ids.ts';

/**
 * The files of a removed feed go, too. States, in the feed's record, each by one CAS of the leader:
 *   wanted  decided, and irrevocable; what there is goes, and the feed cannot be added again until it is done
 *   done    nothing of it is left in the library
 *
 * What is never true: `wanted` of a feed that is not removed. One of another cluster was never finished there: a backup of
 * that moment was restored since, and what has come into the library meanwhile is not to go by it.
 */
export interface FeedPurge {
  readonly state: 'wanted' | 'done';
  /** The world in which somebody asked for it. */
  readonly cluster: ClusterId;
  readonly sinceMs: number;
  /** What was accepted when it was asked for. */
  readonly results: number;
  readonly files: number;
  readonly bytes: number;
}

/** The removed feed's record once its purge is wanted. Asked again it stays, also when it is done. */
export function beginPurge(record: FeedRecord, of: Omit<FeedPurge, 'state'>): FeedRecord {
  const isAsked = record.removed === true && record.purge?.cluster === of.cluster;
  return isAsked ? record : { ...record, removed: true, purge: { ...of, state: 'wanted' } };
}

/** Whether files of the feed are to go now. */
export function isPurging(record: FeedRecord | null, cluster: ClusterId | null): boolean {
  const { removed, purge } = record ?? {};
  return removed === true && purge?.state === 'wanted' && purge.cluster === cluster;
}
