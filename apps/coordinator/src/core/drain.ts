import type { CordonRow, LockRow, Snapshot } from './snapshot.ts';

/** What the leader does next about one agent's drain. */
export type DrainStep =
  /** It holds nothing any more. */
  | { readonly kind: 'drained'; readonly row: CordonRow }
  /** What it holds goes back into the queue, and costs the jobs no failure. */
  | {
      readonly kind: 'take_back';
      readonly row: CordonRow;
      readonly locks: readonly LockRow[];
      readonly reason: string;
    };

/**
 * What is to be done about the agents that drain. Pure, and worked out anew at each turn: a new leader goes on where the
 * one before ended. A deadline is compared with this leader's clock: two coordinators' clocks may be a little apart.
 *
 * A drained agent should hold nothing. An assignment that was under way when it was cordoned, by this leader or by one
 * before, may still reach it: that is taken back, whatever the deadline was.
 */
export function drainSteps(snapshot: Snapshot, nowMs: number): DrainStep[] {
  const draining = [...snapshot.cordons.values()].filter(
    ({ record }) => record.kind === 'draining' || record.kind === 'drained',
  );
  // The usual case: nobody drains, so the locks are not looked at.
  if (draining.length === 0) return [];
  const held = Map.groupBy(
    [...snapshot.locks.values()].filter(({ lock }) => lock.state === 'held'),
    ({ lock }) => lock.agent,
  );
  return draining.flatMap((row) => stepOf(row, held.get(row.record.agent) ?? [], nowMs));
}

function stepOf(row: CordonRow, locks: readonly LockRow[], nowMs: number): DrainStep[] {
  const { agent, kind, deadlineMs } = row.record;
  if (locks.length === 0) return kind === 'draining' ? [{ kind: 'drained', row }] : [];
  if (kind === 'drained')
    return [{ kind: 'take_back', row, locks, reason: `agent ${agent} is drained` }];
  if (deadlineMs === null || nowMs < deadlineMs) return [];
  return [
    { kind: 'take_back', row, locks, reason: `the deadline of agent ${agent}'s drain is over` },
  ];
}
