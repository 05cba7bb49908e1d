import type { PollCame } from '@podctl/domain/feed/polling.ts';
import type { FeedRecord } from '@podctl/domain/feed-record.ts';
import { type FeedDetail, FeedPoll_Result } from '@podctl/proto/podctl/v1/feed.ts';
import { dateOf } from './time-map.ts';

const results: { readonly [C in PollCame]: FeedPoll_Result } = {
  new: FeedPoll_Result.NEW,
  unchanged: FeedPoll_Result.UNCHANGED,
  failed: FeedPoll_Result.FAILED,
  gone: FeedPoll_Result.GONE,
};

/** What a feed's record tells of its polls. While it is due, the reason of the last waiting is history. */
export function pollMessage(
  record: FeedRecord | null,
): Pick<FeedDetail, 'nextPollReason' | 'lastPoll'> {
  if (record?.polling === undefined) return { nextPollReason: '', lastPoll: undefined };
  const { came, lastMs, fresh, why } = record.polling;
  const lastPoll = { endedAt: dateOf(lastMs), result: results[came], newEpisodes: fresh };
  return { nextPollReason: record.nextPollMs === 0 ? '' : why, lastPoll };
}
