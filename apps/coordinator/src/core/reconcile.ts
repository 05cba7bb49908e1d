import type { ClusterId } from '@podctl/domain/ids.ts';
import type { HeartbeatMessage, TokenReport } from '@podctl/domain/protocol.ts';
import {
  episodeRow,
  type LockRow,
  locksOfSession,
  type SessionRow,
  type Snapshot,
} from './snapshot.ts';

/** What every message of a session says of its sender. */
export type SentBy = Pick<HeartbeatMessage, 'cluster' | 'session' | 'boot'>;

/** What a message says about its sender's session. */
export type SessionStanding =
  | { readonly kind: 'current'; readonly row: SessionRow }
  /** A newer process took the id over. */
  | { readonly kind: 'superseded' }
  /** Lost, gone, or of another world: it must say hello again. */
  | { readonly kind: 'over' }
  /** Newer than what this snapshot has seen: it may not judge. */
  | { readonly kind: 'ahead' };

export function standing(
  snapshot: Snapshot,
  row: SessionRow | undefined,
  cluster: ClusterId,
  message: SentBy,
): SessionStanding {
  if (message.cluster !== cluster) return { kind: 'over' };
  if (message.session > snapshot.revision) return { kind: 'ahead' };
  if (row === undefined) return { kind: 'over' };
  if (row.session === message.session)
    return row.record.state === 'live' ? { kind: 'current', row } : { kind: 'over' };
  if (message.session > row.session) return { kind: 'ahead' };
  return row.record.state === 'live' && row.record.boot !== message.boot
    ? { kind: 'superseded' }
    : { kind: 'over' };
}

/** The reconcile loop both ways: what to tell the agent again, and what to call off. */
export interface Reconciliation {
  /** Held by the session and missing from its list. */
  readonly resend: readonly LockRow[];
  /** Listed as running and not held. */
  readonly cancel: readonly TokenReport[];
}

export function reconcile(
  snapshot: Snapshot,
  session: SessionRow,
  heartbeat: HeartbeatMessage,
): Reconciliation {
  const listed = new Set(
    heartbeat.tokens.map(({ token, episode, stage }) => `${episode}.${stage}.${token}`),
  );
  const resend = locksOfSession(snapshot, session.record.agent, session.session).filter(
    ({ lock, episode, stage }) =>
      lock.state === 'held' && !listed.has(`${episode}.${stage}.${lock.token}`),
  );
  const cancel = heartbeat.tokens.filter(
    (report) => report.phase === 'running' && isCalledOff(snapshot, report),
  );
  return { resend, cancel };
}

function isCalledOff(snapshot: Snapshot, { feed, episode, stage, token }: TokenReport): boolean {
  const row = episodeRow(snapshot, feed, episode);
  // The token is the revision before the assignment: a row not above it has not heard of the token yet.
  if (row === null || row.revision <= token) return false;
  const { lock } = row.state.stages[stage];
  return !((lock.state === 'held' || lock.state === 'committed') && lock.token === token);
}
