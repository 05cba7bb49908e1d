import type { Metrics } from '@podctl/platform/metrics.ts';

/** Counts events that were stored in the stream, and that could not be. */
export function eventCounts(page: Metrics): (stored: number, dropped: number) => void {
  const counter = (name: string, help: string) => {
    const total = page.counter({ name, help, labels: [] });
    // From 0 at the start: a rate over a series that begins at 1 misses the first.
    total.add({}, 0);
    return total;
  };
  const stored = counter(
    'podctl_events_stored_total',
    'Events that this coordinator stored in the stream while it led.',
  );
  const dropped = counter(
    'podctl_events_dropped_total',
    'Events that could not be stored before they had to make room.',
  );
  return (storedNow, droppedNow) => {
    stored.add({}, storedNow);
    dropped.add({}, droppedNow);
  };
}
