import type { AgentId } from './ids.ts';
import {
  AGENT_INBOXES,
  commandSubject,
  heartbeatSubject,
  helloSubject,
  logSubject,
  ROLL_CALL_SUBJECT,
  resultSubject,
} from './key.ts';

export interface SubjectRights {
  readonly publish: readonly string[];
  readonly subscribe: readonly string[];
}

/**
 * All that an agent may do at NATS beside answering what it is asked. No right on any stream or bucket: the right to
 * publish to one key of a bucket is the right to wipe it (`Nats-Rollup: all`).
 */
export function agentRights(agent: AgentId): SubjectRights {
  return {
    publish: [helloSubject, heartbeatSubject, resultSubject, logSubject].map((of) => of(agent)),
    subscribe: [commandSubject(agent), ROLL_CALL_SUBJECT, `${AGENT_INBOXES}.${agent}.>`],
  };
}

/** Answers to one question, and how long it may take: a coordinator asks one agent one thing. */
export const AGENT_REPLIES = { max: 1, withinMs: 10_000 } as const;
/** The three above and what a client needs for its own requests, with room. */
export const AGENT_SUBSCRIPTIONS_MAX = 16;
