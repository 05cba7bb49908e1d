import { type AgentId, agentId, type SessionId, type Token } from '../ids.ts';
import { invariant } from '../result.ts';

const id = agentId('adopted');
invariant(id.ok, 'the name of an agent that is none');

/** Stands where an agent's name would: no agent made these files, they were taken in. */
export const ADOPTER: AgentId = id.value;

/** Whether a lock is of files that were taken in, though an agent may have the same name. */
export function isAdopters(lock: { agent: AgentId; session: SessionId; token: Token }): boolean {
  return lock.agent === ADOPTER && lock.session === adopterSession(lock.token);
}

/** There is no session: the token stands for one, so that the manifest has a number. */
export function adopterSession(token: Token): SessionId {
  return token as number as SessionId;
}
