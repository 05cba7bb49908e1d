import type { AgentId } from '@podctl/domain/ids.ts';
import type { Clock } from '@podctl/platform/clock.ts';
import { peerOf } from '../core/peer.ts';
import { RateLimit } from '../core/rate-limit.ts';
import type { Logger } from './logger.ts';

/** What is told of each token and credential, in words; of the calls of people the gRPC server tells. */
const SENTENCES = {
  token_made: 'a join token was made',
  token_used: 'a join token let an agent in',
  token_refused: 'a join was refused',
  token_revoked: 'a join token was revoked',
  credential_made: 'a credential was made for an agent',
  credential_renewed: 'a credential was renewed',
  credential_refused: 'a credential was refused',
  credential_revoked: 'a credential was revoked',
  user_made: 'a person was let in',
  user_revoked: 'a person was put out',
} as const;

export type AuditAction = keyof typeof SENTENCES;
export const AUDIT_ACTIONS = Object.keys(SENTENCES) as readonly AuditAction[];

/** Who, from where, and of what. Never a secret. */
export interface AuditFields {
  /** A person's name. */
  readonly by?: string;
  /** The address that asked. */
  readonly from?: string;
  readonly agent?: AgentId;
  /** The id of a join token. */
  readonly token_id?: string;
  readonly user?: string;
  readonly role?: string;
  readonly reason?: string;
}

/** One that knocks without end must not hide the others. */
const REFUSALS_OF_ONE = { burst: 20, perSecond: 0.2, keysMax: 1_000 };
/** All together must not fill the disk. */
const REFUSALS = { burst: 50, perSecond: 1, keysMax: 16 };

/** A line of the log for each, marked `audit`; of refusals at most one a second, each telling how many were left out. */
export class AuditLog {
  readonly #log: Logger;
  readonly #clock: Clock;
  readonly #count: (action: AuditAction) => void;
  readonly #refusalsOfOne = new RateLimit(REFUSALS_OF_ONE);
  readonly #refusals = new RateLimit(REFUSALS);
  readonly #leftOut = new Map<AuditAction, number>();

  constructor(log: Logger, clock: Clock, count: (action: AuditAction) => void) {
    this.#log = log;
    this.#clock = clock;
    this.#count = count;
  }

  note(action: AuditAction, fields: AuditFields): void {
    this.#count(action);
    const line = { audit: action, ...fields };
    if (!action.endsWith('_refused')) {
      this.#log.info(line, SENTENCES[action]);
      return;
    }
    const leftOut = this.#leftOut.get(action) ?? 0;
    if (!this.#mayTell(action, fields)) {
      this.#leftOut.set(action, leftOut + 1);
      return;
    }
    this.#leftOut.delete(action);
    this.#log.warn(leftOut === 0 ? line : { ...line, left_out: leftOut }, SENTENCES[action]);
  }

  #mayTell(action: AuditAction, { from, agent }: AuditFields): boolean {
    const nowMs = this.#clock.monotonicMs();
    const who = from === undefined ? (agent ?? '') : peerOf(from);
    return (
      this.#refusalsOfOne.take(`${action} ${who}`, nowMs) && this.#refusals.take(action, nowMs)
    );
  }
}
