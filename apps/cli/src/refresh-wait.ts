import { setTimeout as sleep } from 'node:timers/promises';
import type { FeedDetail } from '@podctl/proto/podctl/v1/feed.ts';
import type { CoordinatorClient } from './client.ts';
import { CommandError, EXIT } from './command-error.ts';
import { onEndSignal, unlessAborted } from './end-signal.ts';

const LOOK_EVERY_MS = 300;

/**
 * Waits until a feed that was asked for is read, or could not be: its next poll has a time then, or never comes. Rejects
 * with CommandError: `deadline` after `waitMs`, 130 or 143 when a signal ends it; the feed is read all the same.
 * `before`: when its last poll ended before it was asked for.
 */
export async function untilPolled(
  client: CoordinatorClient,
  feedId: string,
  waitMs: number,
  before: Date | undefined,
): Promise<FeedDetail> {
  const leaving = new AbortController();
  const dispose = onEndSignal((error) => leaving.abort(stillRead(error, feedId)));
  try {
    const until = Date.now() + waitMs;
    for (;;) {
      const detail = await unlessAborted(client.feeds.get(feedId), leaving.signal);
      if (isPolled(detail, before)) return detail;
      if (Date.now() >= until) throw tooLate(feedId, waitMs);
      await sleep(LOOK_EVERY_MS, undefined, { signal: leaving.signal }).catch(() => undefined);
      leaving.signal.throwIfAborted();
    }
  } finally {
    dispose();
  }
}

/** While it is due there is neither a time nor a reason; one that lags behind still tells of the poll before. */
function isPolled({ nextPollAt, nextPollReason, lastPoll }: FeedDetail, before: Date | undefined) {
  const isResting = nextPollAt !== undefined || nextPollReason !== '';
  return isResting && (before === undefined || lastPoll?.endedAt?.getTime() !== before.getTime());
}

function stillRead({ exitCode }: CommandError, feedId: string): CommandError {
  return new CommandError(
    exitCode,
    `nobody waits any more, and feed ${feedId} is read all the same; "podctl feed show ${feedId}" shows what came of it`,
  );
}

function tooLate(feedId: string, waitMs: number): CommandError {
  return new CommandError(
    EXIT.deadline,
    `feed ${feedId} was not read within ${Math.round(waitMs / 1_000)} s; "podctl doctor" looks for the cause`,
  );
}
