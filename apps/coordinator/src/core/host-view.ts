import type { HostName } from '@podctl/domain/host-name.ts';
import {
  allowedNow,
  type HostRules,
  isCooling,
  isThrottled,
  limitOf,
  NO_HOST_LIMITS,
} from '@podctl/domain/host-state.ts';
import { downloadsByHost } from './host-room.ts';
import type { Snapshot } from './snapshot.ts';
import type { Picture } from './view.ts';

/** A host as it is shown. */
export interface HostView {
  readonly host: HostName;
  /** Downloads at a time that may run there now; 0 while it cools, null without a limit. */
  readonly limit: number | null;
  /** The same when it has not asked for patience. */
  readonly limitMax: number | null;
  readonly running: number;
  /** Downloads wanted of its feeds that do not run. Those of paused and removed feeds are not among them. */
  readonly waiting: number;
  /** Wall clock; null when it does not cool. */
  readonly coolingUntilMs: number | null;
  /** How often in a row it asked for patience; 0 when it is asked as before. */
  readonly strikes: number;
  /** Wall clock: when it last asked for patience; null when it is asked as before. */
  readonly sinceMs: number | null;
  readonly why: string;
  readonly feeds: number;
}

/** The hosts from which feeds' audio comes, as far as it is known, and those that asked for patience; in order of name. */
export function hostViews(picture: Picture): HostView[] {
  const { snapshot, hosts: rules = NO_HOST_LIMITS, now } = picture;
  const running = downloadsByHost(snapshot);
  const counts = feedsByHost(snapshot);
  for (const [host, { record }] of snapshot.hosts)
    if (isThrottled(record, now.wallMs) && !counts.has(host))
      counts.set(host, { feeds: 0, waiting: 0 });
  return [...counts]
    .map(([host, count]) => {
      const shown = hostState(snapshot, host, rules, now.wallMs);
      return { host, ...shown, running: running.get(host) ?? 0, ...count };
    })
    .sort((a, b) => (a.host < b.host ? -1 : 1));
}

function hostState(snapshot: Snapshot, host: HostName, rules: HostRules, nowMs: number) {
  const state = snapshot.hosts.get(host)?.record ?? null;
  const throttled = isThrottled(state, nowMs) ? state : null;
  return {
    limit: shown(allowedNow(host, state, rules, nowMs)),
    limitMax: shown(limitOf(host, rules)),
    coolingUntilMs:
      throttled !== null && isCooling(throttled, nowMs) ? throttled.coolingUntilMs : null,
    strikes: throttled?.strikes ?? 0,
    sinceMs: throttled?.sinceMs ?? null,
    why: throttled?.why ?? '',
  };
}

function shown(limit: number): number | null {
  return Number.isFinite(limit) ? limit : null;
}

function feedsByHost(snapshot: Snapshot): Map<HostName, { feeds: number; waiting: number }> {
  const counts = new Map<HostName, { feeds: number; waiting: number }>();
  for (const { id, record, tally } of snapshot.feeds.values()) {
    const host = snapshot.feedHosts.get(id)?.record.host ?? null;
    if (host === null || record?.removed === true) continue;
    const count = counts.get(host) ?? { feeds: 0, waiting: 0 };
    count.feeds += 1;
    if (record?.choices?.paused !== true)
      count.waiting += Math.max(0, tally.remaining.download - tally.running.download);
    counts.set(host, count);
  }
  return counts;
}

/** Hosts that asked for patience and are not asked as before yet. */
export function throttledHosts(snapshot: Snapshot, nowMs: number): number {
  let count = 0;
  for (const { record } of snapshot.hosts.values()) if (isThrottled(record, nowMs)) count += 1;
  return count;
}
