import type { Host } from '@podctl/proto/podctl/v1/host.ts';
import type { HostView } from '../core/host-view.ts';
import { dateOf } from './time-map.ts';

export function hostMessage(view: HostView): Host {
  return {
    host: view.host,
    limit: view.limit ?? undefined,
    limitMax: view.limitMax ?? undefined,
    running: view.running,
    waiting: view.waiting,
    coolingUntil: dateOf(view.coolingUntilMs),
    strikes: view.strikes,
    throttledSince: dateOf(view.sinceMs),
    why: view.why,
    feeds: view.feeds,
  };
}
