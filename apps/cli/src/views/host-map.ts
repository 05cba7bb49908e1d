import type { Host } from '@podctl/proto/podctl/v1/host.ts';
import { isoTime } from './list-document.ts';

/** A podcast host, as `--json` prints it. */
export interface HostView {
  readonly host: string;
  /** open: it is asked as the settings allow. cooling: nothing begins. probation: a few at a time, until they come. */
  readonly state: 'open' | 'cooling' | 'probation';
  /** Downloads that may run at a time now, of all agents together; 0 while it cools, null without a limit. */
  readonly limit: number | null;
  /** The same while it is open. */
  readonly limitMax: number | null;
  readonly running: number;
  readonly waiting: number;
  readonly coolingUntil: string | null;
  /** How often in a row it asked for patience. */
  readonly strikes: number;
  readonly throttledSince: string | null;
  /** What it answered; empty while it is open. */
  readonly why: string;
  readonly feeds: number;
}

export function hostView(host: Host): HostView {
  const { limit = null, limitMax = null, running, waiting, strikes, why, feeds } = host;
  const coolingUntil = isoTime(host.coolingUntil);
  const throttled = coolingUntil === null ? 'probation' : 'cooling';
  const state = strikes === 0 ? 'open' : throttled;
  const throttledSince = isoTime(host.throttledSince);
  const counts = { limit, limitMax, running, waiting };
  return { host: host.host, state, ...counts, coolingUntil, strikes, throttledSince, why, feeds };
}
