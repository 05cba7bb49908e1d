import { ok, type Result } from '@podctl/domain/result.ts';
import type {
  RevealFeedUrlsRequest,
  RevealFeedUrlsResponse,
} from '@podctl/proto/podctl/v1/feed.ts';
import { wantedFeeds } from '../core/snapshot.ts';
import type { Fleet } from '../shell/fleet.ts';
import { pageOf, takePage } from './page.ts';
import type { Failure } from './status.ts';

/** The one answer that holds secrets: see `RPC_RULES` for who gets it. */
export function revealFeedUrls(
  fleet: Fleet,
  request: RevealFeedUrlsRequest,
): Result<RevealFeedUrlsResponse, Failure> {
  const page = pageOf(request);
  if (!page.ok) return page;
  const { after } = page.value;
  const rows = wantedFeeds(fleet.picture().snapshot)
    .filter(({ id }) => id > after)
    .sort((a, b) => (a.id < b.id ? -1 : 1));
  const { items, nextPageToken } = takePage(rows, ({ id }) => id, page.value);
  const feeds = items.map(({ id, record }) => ({ feedId: id, url: record?.url ?? '' }));
  return ok({ feeds, nextPageToken });
}
