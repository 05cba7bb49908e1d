import { isGone, POLL_CAME, type PollCame } from '@podctl/domain/feed/polling.ts';
import type { MetricFamily, Metrics } from '@podctl/platform/metrics.ts';
import { wantedFeeds } from '../core/snapshot.ts';
import type { Picture } from '../core/view.ts';

const POLL_SECONDS = [0.05, 0.2, 1, 5, 20, 60];

/** Counts polls as they end. */
export function pollCounts(page: Metrics): (seconds: number, came: PollCame | null) => void {
  const durations = page.histogram({
    name: 'podctl_feed_poll_duration_seconds',
    help: 'How long it took to read a feed, good or bad.',
    labels: [],
    buckets: POLL_SECONDS,
  });
  const ends = page.counter({
    name: 'podctl_feed_polls_total',
    help: 'Polls of feeds, by what came of them: something new, nothing, a failure, or that the feed is gone for good.',
    labels: ['result'],
  });
  for (const result of POLL_CAME) ends.add({ result }, 0);
  return (seconds, came) => {
    durations.observe({}, seconds);
    if (came !== null) ends.add({ result: came });
  };
}

/** How far polling is behind its own schedule, by what every coordinator sees. */
export function pollFamilies({ snapshot, now }: Picture): MetricFamily[] {
  let due = 0;
  let longestMs = 0;
  for (const { record } of wantedFeeds(snapshot)) {
    if (record === null || record.nextPollMs > now.wallMs || isGone(record.polling)) continue;
    due += 1;
    // What somebody asked for at once does not say since when.
    if (record.nextPollMs > 0) longestMs = Math.max(longestMs, now.wallMs - record.nextPollMs);
  }
  const gauge = (name: string, help: string, value: number) =>
    ({ name, type: 'gauge', help, samples: [{ labels: {}, value }] }) as const;
  return [
    gauge(
      'podctl_feeds_due',
      'Feeds whose time to be polled has come, those being polled among them.',
      due,
    ),
    gauge(
      'podctl_feed_poll_delay_seconds',
      'How long the feed that waits longest is overdue.',
      longestMs / 1_000,
    ),
  ];
}
