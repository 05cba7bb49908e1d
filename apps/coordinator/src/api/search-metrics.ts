import type { Metrics } from '@podctl/platform/metrics.ts';
import type { IndexStatus } from '../shell/transcript-index.ts';

const SEARCH_SECONDS = [0.001, 0.005, 0.02, 0.1, 0.5, 2, 5];

/** What full text search adds to the page; gives what is told how long each search took. */
export function searchMetrics(page: Metrics, status: () => IndexStatus): (seconds: number) => void {
  const took = page.histogram({
    name: 'podctl_search_seconds',
    help: 'How long searches took, the wait for those before them included.',
    labels: [],
    buckets: SEARCH_SECONDS,
  });
  page.addSource(() => {
    const { indexed, behind, errors } = status();
    const one = (value: number) => [{ labels: {}, value }];
    return [
      {
        name: 'podctl_search_indexed_episodes',
        type: 'gauge',
        help: 'Episodes in the search index of this coordinator.',
        samples: one(indexed),
      },
      {
        name: 'podctl_search_behind_episodes',
        type: 'gauge',
        help: 'Transcribed episodes that the search index does not have yet.',
        samples: one(behind),
      },
      {
        name: 'podctl_search_errors_total',
        type: 'counter',
        help: 'Transcripts that could not be indexed, and faults of the index.',
        samples: one(errors),
      },
    ];
  });
  return (seconds) => took.observe({}, seconds);
}
