import type { AgentId, SessionId } from '@podctl/domain/ids.ts';
import type { Snapshot } from './snapshot.ts';

/** What one agent may take, in its session. */
export interface Share {
  readonly agent: AgentId;
  readonly session: SessionId;
  readonly bytesPerSecond: number;
}

/** Evenly among the agents that hold downloads: each has its own bucket, and together they stay below the cap. */
export function bandwidthShares(snapshot: Snapshot, bytesPerSecondMax: number): readonly Share[] {
  const holders = new Map<AgentId, SessionId>();
  for (const { stage, lock } of snapshot.locks.values())
    if (stage === 'download' && lock.state === 'held') holders.set(lock.agent, lock.session);
  const bytesPerSecond = Math.max(1, Math.floor(bytesPerSecondMax / Math.max(1, holders.size)));
  return [...holders].map(([agent, session]) => ({ agent, session, bytesPerSecond }));
}
