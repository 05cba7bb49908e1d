import type { MetricFamily, Metrics } from '@podctl/platform/metrics.ts';
import { THROTTLE_CODES, type ThrottleCode } from '../core/host-verdict.ts';
import { hostViews } from '../core/host-view.ts';
import type { Picture } from '../core/view.ts';

/** Counts answers by which hosts asked for patience. Hosts are counted, never named: there may be thousands. */
export function throttleCounts(page: Metrics): (code: ThrottleCode) => void {
  const total = page.counter({
    name: 'podctl_host_throttles_total',
    help: 'Answers to downloads by which podcast hosts asked for patience, taken by this coordinator while it led.',
    labels: ['code'],
  });
  const of = (code: ThrottleCode) => ({ code: code.replace('http_', '') });
  // From 0 at the start: a rate over a series that begins at 1 misses the first.
  for (const code of THROTTLE_CODES) total.add(of(code), 0);
  return (code) => total.add(of(code));
}

export function hostFamilies(picture: Picture): MetricFamily[] {
  const views = hostViews(picture);
  const open = views.filter(({ strikes }) => strikes === 0);
  const cooling = views.filter(({ coolingUntilMs }) => coolingUntilMs !== null);
  const states = {
    open: open.length,
    cooling: cooling.length,
    probation: views.length - open.length - cooling.length,
  };
  const throttled = views.filter(({ strikes }) => strikes > 0);
  return [
    {
      name: 'podctl_hosts',
      type: 'gauge',
      help: 'Podcast hosts by state: cooling ones are asked for nothing, those on probation for a few downloads at a time.',
      samples: Object.entries(states).map(([state, value]) => ({ labels: { state }, value })),
    },
    {
      name: 'podctl_hosts_throttled_waiting',
      type: 'gauge',
      help: 'Downloads that wait at hosts which asked for patience.',
      samples: [{ labels: {}, value: throttled.reduce((sum, { waiting }) => sum + waiting, 0) }],
    },
  ];
}
