import type { AgentId } from '@podctl/domain/ids.ts';
import type { SessionRow } from './snapshot.ts';

/**
 * When each live session was heard last, by this coordinator's own monotonic clock.
 * Never true: a session declared lost because this coordinator itself was away (paused, disconnected, new in its term).
 */
export class Liveness {
  readonly #heard = new Map<AgentId, { session: number; atMs: number }>();

  heard(agent: AgentId, session: number, nowMs: number): void {
    this.#heard.set(agent, { session, atMs: nowMs });
  }

  /** Every session starts anew with a term, also with one won again. */
  beginTerm(sessions: Iterable<SessionRow>, nowMs: number): void {
    this.#heard.clear();
    for (const { record, session } of sessions)
      if (record.state === 'live') this.heard(record.agent, session, nowMs);
  }

  /** Moves all deadlines by a gap in our own loop or connection: nobody could have been heard in it. */
  shift(gapMs: number): void {
    for (const entry of this.#heard.values()) entry.atMs += gapMs;
  }

  heardAtMs(agent: AgentId, session: number): number | null {
    const entry = this.#heard.get(agent);
    return entry?.session === session ? entry.atMs : null;
  }

  /** Live sessions that were silent for longer than `lostAfterMs`. One never heard of here starts now. */
  silent(sessions: Iterable<SessionRow>, nowMs: number, lostAfterMs: number): SessionRow[] {
    const lost: SessionRow[] = [];
    for (const row of sessions) {
      if (row.record.state !== 'live') continue;
      const atMs = this.heardAtMs(row.record.agent, row.session);
      if (atMs === null) this.heard(row.record.agent, row.session, nowMs);
      else if (nowMs - atMs > lostAfterMs) lost.push(row);
    }
    return lost;
  }
}
