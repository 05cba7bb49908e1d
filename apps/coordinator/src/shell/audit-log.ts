import type { Role } from '@podctl/domain/access.ts';
import type { AgentId } from '@podctl/domain/ids.ts';
import type { Clock } from '@podctl/platform/clock.ts';
import { peerOf } from '../core/peer.ts';
import { RefusalLines } from '../core/refusal-lines.ts';
import type { Logger } from './logger.ts';
import { Loop } from './loop.ts';

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

/** A call of the gRPC API that changed something, or tried to, or was refused. */
export interface AuditedCall {
  readonly method: string;
  /** Empty when nobody knows who it was, or nobody was asked. */
  readonly name: string;
  readonly role: Role | null;
  /** The address that it came from. */
  readonly from: string;
  /** The name of a gRPC status. */
  readonly code: string;
  /** It did not reach its handler. */
  readonly refused: boolean;
}

/** What is left out of refusals is told within this time. */
const LEFT_OUT_TOLD_MS = 60_000;
const SPACING_MS = 1_000;

/**
 * A line of the log for each, marked `audit`. Of refusals without end some have none (core/refusal-lines.ts): a line
 * each minute and one at the stop tell how many those were, so every refusal is accounted for.
 */
export class AuditLog extends Loop {
  readonly #log: Logger;
  readonly #clock: Clock;
  readonly #count: (action: AuditAction) => void;
  readonly #refusals = new RefusalLines<AuditAction | 'call'>();

  constructor(log: Logger, clock: Clock, count: (action: AuditAction) => void) {
    super('audit log', { clock, log, tickMs: LEFT_OUT_TOLD_MS, spacingMs: SPACING_MS });
    this.#log = log;
    this.#clock = clock;
    this.#count = count;
  }

  override async stop(): Promise<void> {
    await super.stop();
    this.#tellLeftOut();
  }

  note(action: AuditAction, fields: AuditFields): void {
    this.#count(action);
    const line = { audit: action, ...fields };
    if (!action.endsWith('_refused')) this.#log.info(line, SENTENCES[action]);
    else if (this.#mayTell(action, fields)) this.#log.warn(line, SENTENCES[action]);
  }

  noteCall(call: AuditedCall): void {
    const { refused, ...fields } = call;
    if (refused && !this.#mayTell('call', call)) return;
    this.#log.info({ audit: 'call', ...fields }, 'a call');
  }

  protected override async turn(): Promise<void> {
    this.#tellLeftOut();
  }

  #tellLeftOut(): void {
    for (const { kind, count, peers } of this.#refusals.takeLeftOut()) {
      const most_from = peers.map(({ peer, count: refusals }) => ({ from: peer, refusals }));
      this.#log.warn({ audit: kind, left_out: count, most_from }, 'refusals without a line');
    }
  }

  #mayTell(kind: AuditAction | 'call', { from, agent }: Pick<AuditFields, 'from' | 'agent'>) {
    const peer = from === undefined ? (agent ?? 'unknown') : peerOf(from);
    return this.#refusals.take(kind, peer, this.#clock.monotonicMs());
  }
}
