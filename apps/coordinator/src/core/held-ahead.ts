import { isClosed } from '@podctl/domain/cordon.ts';
import { choicesOf, mayBegin } from '@podctl/domain/feed-record.ts';
import type { AgentId, FeedId } from '@podctl/domain/ids.ts';
import type { Assignment, PlanLimits, PlannedAgent, PlanView } from './plan.ts';
import type { LockRow, Snapshot } from './snapshot.ts';

/**
 * Transcriptions that agents hold beyond their slots, so that their audio is there when a slot comes free. Which of an
 * agent's jobs those are needs nobody's word: it begins them in the order in which they came.
 */
export function locksHeldAhead(snapshot: Snapshot): ReadonlyMap<AgentId, readonly LockRow[]> {
  const held = [...snapshot.locks.values()].filter(
    ({ stage, lock }) => stage === 'transcribe' && lock.state === 'held',
  );
  const ahead = new Map<AgentId, readonly LockRow[]>();
  for (const [agent, locks] of Map.groupBy(held, ({ lock }) => lock.agent)) {
    const slots = snapshot.sessions.get(agent)?.record.slots.transcribe ?? locks.length;
    if (locks.length <= slots) continue;
    const inOrder = locks.toSorted((a, b) => a.revision - b.revision);
    ahead.set(agent, inOrder.slice(slots));
  }
  return ahead;
}

/** Why a job that has not begun changes its agent, for its history. */
export const IDLE_ELSEWHERE = 'another agent is free for it';

/** A job that its agent is asked to hand back, if it has not begun. */
export interface Release {
  readonly row: LockRow;
  /** Why, for the job's history. */
  readonly reason: string;
}

export interface AfterPlan {
  readonly view: PlanView;
  readonly limits: PlanLimits;
  readonly assignments: readonly Assignment[];
  /** Transcription slots that this plan leaves free, of agents that may be given work. */
  readonly free: number;
}

/**
 * What is held ahead in vain: by an agent that is to get nothing, of a feed that is paused or removed, beyond the fleet's
 * maximum, before what somebody asked for first, or while another agent idles. Pure; asked again and again until it is done.
 */
export function releases(
  snapshot: Snapshot,
  ahead: ReadonlyMap<AgentId, readonly LockRow[]>,
  { view, limits, assignments, free }: AfterPlan,
): Release[] {
  const max = limits.transcribersMax === 'auto' ? Number.POSITIVE_INFINITY : limits.transcribersMax;
  const room = max - view.running.transcribe;
  const wanted: Release[] = [];
  const kept: LockRow[] = [];
  for (const row of [...ahead.values()].flat()) {
    const reason = whyInVain(snapshot, row, room);
    if (reason === null) kept.push(row);
    else wanted.push({ row, reason });
  }
  const urgent = urgentLeft(view, assignments);
  const idle = Math.max(0, Math.min(free, room));
  // Who waits behind most others loses least.
  const order = kept
    .filter((row) => !isUrgent(snapshot, row))
    .toSorted((a, b) => depth(ahead, b) - depth(ahead, a) || b.revision - a.revision);
  for (const row of order.slice(0, idle)) wanted.push({ row, reason: IDLE_ELSEWHERE });
  for (const row of order.slice(idle, idle + urgent))
    wanted.push({ row, reason: 'what somebody asked for goes before it' });
  return wanted;
}

/** What somebody asked for and this plan does not give. */
function urgentLeft({ feeds }: PlanView, assignments: readonly Assignment[]): number {
  const given = Map.groupBy(
    assignments.filter(({ stage }) => stage === 'transcribe'),
    ({ feed }) => feed,
  );
  const left = ({ feed, urgent }: PlanView['feeds'][number]) =>
    Math.max(0, urgent.transcribe - (given.get(feed)?.length ?? 0));
  return feeds.reduce((sum, feed) => sum + left(feed), 0);
}

function whyInVain(snapshot: Snapshot, { feed, lock }: LockRow, room: number): string | null {
  if (isClosed(snapshot.cordons.get(lock.agent)?.record))
    return `agent ${lock.agent} is to get no new work`;
  if (!mayBegin(snapshot.feeds.get(feed)?.record ?? null)) return 'its feed is to begin nothing';
  if (room < 0) return 'more run than transcribe.max allows';
  return null;
}

function isUrgent(snapshot: Snapshot, { feed, episode }: LockRow): boolean {
  return choicesOf(snapshot.feeds.get(feed)?.record ?? null).first.includes(episode);
}

function depth(ahead: ReadonlyMap<AgentId, readonly LockRow[]>, { lock }: LockRow): number {
  return ahead.get(lock.agent)?.length ?? 0;
}

/** By feed, how many transcriptions wait at agents. */
export function aheadByFeed(
  ahead: ReadonlyMap<AgentId, readonly LockRow[]>,
): ReadonlyMap<FeedId, number> {
  const counts = new Map<FeedId, number>();
  for (const { feed } of [...ahead.values()].flat()) counts.set(feed, (counts.get(feed) ?? 0) + 1);
  return counts;
}

/** Whether an agent could be given another one ahead. */
export function hasRoomAhead({ slots, running, ahead }: PlannedAgent): boolean {
  if (ahead === undefined || slots.transcribe === 0) return false;
  return running.transcribe >= slots.transcribe && ahead.waiting < ahead.max;
}
