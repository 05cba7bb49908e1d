import { ok, type Result } from '@podctl/domain/result.ts';
import { type FeedRow, type Snapshot, wantedFeeds } from '../core/snapshot.ts';
import { findFeed } from './feed-finder.ts';
import type { Failure } from './status.ts';

/** One feed, or all of them in the order of their ids where none is named. */
export function feedsAsked(snapshot: Snapshot, asked: string): Result<FeedRow[], Failure> {
  if (asked === '') return ok(wantedFeeds(snapshot).sort((a, b) => (a.id < b.id ? -1 : 1)));
  const found = findFeed(snapshot, asked);
  return found.ok ? ok([found.value]) : found;
}
