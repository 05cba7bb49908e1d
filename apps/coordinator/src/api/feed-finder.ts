import { feedId } from '@podctl/domain/ids.ts';
import { err, ok, type Result } from '@podctl/domain/result.ts';
import { type FeedRow, type Snapshot, wantedFeeds } from '../core/snapshot.ts';
import { hintFrom } from './did-you-mean.ts';
import type { Failure } from './status.ts';

/** The feed of that id; one that was removed is not known. */
export function findFeed(snapshot: Snapshot, asked: string): Result<FeedRow, Failure> {
  const id = feedId(asked);
  // Its own words would quote what was sent.
  if (!id.ok)
    return err({
      kind: 'invalid',
      field: 'feed_id',
      message: 'feed_id is no feed id',
      hint: 'give 1 to 48 of a-z, 0-9 and inner hyphens',
    });
  const row = snapshot.feeds.get(id.value);
  if (row !== undefined && row.record?.removed !== true) return ok(row);
  const names = wantedFeeds(snapshot).map((feed) => feed.id);
  return err({
    kind: 'not_found',
    reason: 'FEED_NOT_FOUND',
    message: `no feed has the id "${asked}"`,
    hint: hintFrom(id.value, names, '"podctl feed list" shows them'),
  });
}
