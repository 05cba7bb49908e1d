import type { FeedChoices } from '@podctl/proto/podctl/v1/feed.ts';
import type { CoordinatorClient } from './client.ts';
import { type AddedFeedView, addedFeedView } from './views/feed-map.ts';

export interface FeedToAdd {
  readonly url: string;
  /** Empty: the feed's own. */
  readonly title: string;
  readonly bookScore: number | undefined;
  /** Empty: the coordinator derives one. */
  readonly feedId: string;
  /** What is chosen for it from the beginning. */
  readonly choices?: FeedChoices;
  /** None of its jobs begins before it is resumed. */
  readonly paused?: boolean;
}

/** Small enough for the default size limit of a gRPC message, whatever the URLs' length (4 KiB at most). */
const FEEDS_A_CALL_MAX = 500;

/** Adds feeds, a batch a call, or says what would be; the answers are in the order asked. */
export async function addFeeds(
  client: CoordinatorClient,
  feeds: readonly FeedToAdd[],
  dryRun = false,
): Promise<AddedFeedView[]> {
  const added: AddedFeedView[] = [];
  for (let at = 0; at < feeds.length; at += FEEDS_A_CALL_MAX) {
    const batch = feeds.slice(at, at + FEEDS_A_CALL_MAX);
    const response = await client.addFeeds([...batch], dryRun);
    added.push(...response.feeds.map(addedFeedView));
  }
  return added;
}
