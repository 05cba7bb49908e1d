import type { FeedHostRecord, HostRecord } from '@podctl/domain/host-state.ts';
import type { HostRow, Snapshot } from './snapshot.ts';

/** Folds what a host's key holds; gives the row before and after, or null when it changed nothing. */
export function foldHost(
  snapshot: Snapshot,
  record: HostRecord,
  revision: number,
): { readonly before: HostRow | null; readonly after: HostRow } | null {
  const before = snapshot.hosts.get(record.host) ?? null;
  if (before !== null && before.revision >= revision) return null;
  snapshot.revision = Math.max(snapshot.revision, revision);
  const after = { record, revision };
  snapshot.hosts.set(record.host, after);
  return { before, after };
}

/** Folds where a feed's audio comes from; false when it changed nothing. */
export function foldFeedHost(
  snapshot: Snapshot,
  record: FeedHostRecord,
  revision: number,
): boolean {
  const before = snapshot.feedHosts.get(record.feed);
  if (before !== undefined && before.revision >= revision) return false;
  snapshot.revision = Math.max(snapshot.revision, revision);
  snapshot.feedHosts.set(record.feed, { record, revision });
  return true;
}
