import type { AgentId, ClusterId, Nonce } from './ids.ts';
import type { Stage } from './stage.ts';

/**
 * A session is one life of an agent, from hello to loss or goodbye. Its id is the revision of the write that made it `live`.
 *   live   heartbeats are expected
 *   lost   it fell silent: nothing is assigned to it again, whatever it says later
 *   gone   it said goodbye, or was put out
 * A hello with a new boot id makes a new session, which supersedes the older one at once.
 */
export interface SessionRecord {
  readonly cluster: ClusterId;
  readonly nonce: Nonce;
  readonly agent: AgentId;
  readonly state: 'live' | 'lost' | 'gone';
  /** Random, made when the agent's process starts: a delayed hello of an older process supersedes nothing. */
  readonly boot: string;
  readonly host: string;
  readonly version: string;
  readonly engine: string;
  readonly slots: Slots;
  /** Wall clock of the leader that wrote it. For show only. */
  readonly sinceMs: number;
  /** The revision that made it live, kept when it is lost or gone; 0 in the write that makes it live. */
  readonly session: number;
}

/** Jobs of each stage at a time. An older agent says nothing of a stage that came later: it has no slot for it. */
export type Slots = { readonly download: number; readonly transcribe: number } & {
  readonly [S in Stage]?: number | undefined;
};

export function slotsOf(slots: Slots, stage: Stage): number {
  return slots[stage] ?? 0;
}

/** The session's id, given the revision at which the record was read. */
export function sessionOf(record: SessionRecord, revision: number): number {
  return record.state === 'live' && record.session === 0 ? revision : record.session;
}

export type HelloDecision =
  /** The same process says hello again: its session goes on. */
  | { readonly kind: 'resume' }
  /** A new process: a new session, and the older one's locks are closed. */
  | { readonly kind: 'supersede' }
  /** First seen, or its last session is over. */
  | { readonly kind: 'begin' };

export function decideHello(
  record: SessionRecord | null,
  cluster: ClusterId,
  boot: string,
): HelloDecision {
  if (record === null || record.cluster !== cluster || record.state !== 'live')
    return { kind: 'begin' };
  return { kind: record.boot === boot ? 'resume' : 'supersede' };
}
