import type { FleetEvent } from './event.ts';
import type { HostRow } from './snapshot.ts';

/** What the change of a host's record tells: it asks for patience (again), or it is open again. */
export function eventsOfHost(before: HostRow | null, after: HostRow): FleetEvent[] {
  const { host, strikes, coolingUntilMs, sinceMs, why } = after.record;
  const was = before?.record.strikes ?? 0;
  const of = { feed: null, episode: null, stage: null, agent: null };
  if (strikes > was) {
    const seconds = Math.ceil((coolingUntilMs - sinceMs) / 1_000);
    const message = `${host} is left alone for ${seconds} s: ${why}`;
    return [{ ...of, type: 'host_cooling', message }];
  }
  if (strikes === 0 && was > 0)
    return [{ ...of, type: 'host_recovered', message: `${host} is asked as before` }];
  return [];
}
