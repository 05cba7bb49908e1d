import type { CredentialRecord, JoinTokenRecord, Role, UserRecord } from '@podctl/domain/access.ts';
import type { AgentId } from '@podctl/domain/ids.ts';
import type { Result } from '@podctl/domain/result.ts';
import type { IssuedMessage, JoinMessage } from '@podctl/platform/enrolment.ts';

/** It cannot be done here as this coordinator is set up: one sentence for the one who asked. */
export class AccessRefused extends Error {
  constructor(sentence: string) {
    super(sentence);
    this.name = 'AccessRefused';
  }
}

/** Who asks: a person's name, and what they may do. */
export interface Caller {
  readonly name: string;
  readonly role: Role;
}

/**
 * One sentence for the one who was refused, without what was sent. `busy`: too much was asked, `away`: NATS does not answer;
 * the same may be asked again.
 */
export interface JoinRefusal {
  readonly kind: 'denied' | 'conflict' | 'busy' | 'away';
  readonly sentence: string;
}

/**
 * Who is let in, as this coordinator knows it, and the changes of that. Any coordinator makes them, each by a CAS on one
 * record, and sees to it that NATS follows; the leader, that the sessions do. Everything is told to the audit log.
 */
export interface Access {
  tokens(): readonly JoinTokenRecord[];
  credential(agent: AgentId): CredentialRecord | null;
  credentials(): readonly CredentialRecord[];
  users(): readonly UserRecord[];
  /** Called after any of them changed. */
  onChange(listener: () => void): () => void;
  /** Null for a bearer token that is nobody's, or whose owner was put out. */
  authenticate(bearer: string): Caller | null;
  /**
   * `text` is the whole token. The limits are JOIN_TOKEN_LIMITS. Rejects with KvUnavailable, as the others do, and with
   * AccessRefused where no machine could join.
   */
  createToken(token: {
    readonly agent: AgentId | null;
    readonly ttlMs: number;
    readonly usesMax: number;
    readonly by: string;
  }): Promise<{ readonly record: JoinTokenRecord; readonly text: string }>;
  revokeToken(id: string, by: string): Promise<'revoked' | 'not_found'>;
  /**
   * `applied`: every NATS server was seen to refuse its key.
   *
   * @param onlyTlsKeySha256 leaves whoever has the name with another TLS key: `not_found`.
   */
  revokeAgent(
    agent: AgentId,
    by: string,
    onlyTlsKeySha256?: string,
  ): Promise<'not_found' | { readonly applied: boolean }>;
  createUser(
    name: string,
    role: Role,
    by: string,
  ): Promise<'exists' | { readonly record: UserRecord; readonly text: string }>;
  revokeUser(name: string, by: string): Promise<'revoked' | 'not_found'>;
  /** @param from the address that asks, for the audit log. */
  join(request: JoinMessage, from: string): Promise<Result<IssuedMessage, JoinRefusal>>;
  /**
   * For an agent whose certificate was judged good; its keys stay.
   *
   * @param tlsKeyPem the public key in that certificate, SPKI.
   */
  renew(agent: AgentId, tlsKeyPem: string): Promise<Result<IssuedMessage, JoinRefusal>>;
}

/**
 * How an agent stands with the fleet, for its session.
 *
 * unknown  no readable record says that it is let in
 * unread   the records are not read to their end, so nothing is known of it
 */
export type Standing = 'in' | 'revoked' | 'unknown' | 'unread';

/** Who was put out, or never was in. */
export interface PutOut {
  standing(agent: AgentId): Standing;
  onChange(listener: () => void): () => void;
}

export interface PutOutOptions {
  readonly book: {
    readonly isCurrent: boolean;
    credential(agent: AgentId): CredentialRecord | null;
    onChange(listener: () => void): () => void;
  };
  /** Run beside this coordinator, which vouches for them; whoever had the name before is kept out by NATS. */
  readonly localAgents: readonly string[];
  /** Whether every other agent is let in by a record: so it is where NATS goes by the fleet's own keys. */
  readonly needsRecord: boolean;
}

export function putOutBy({ book, localAgents, needsRecord }: PutOutOptions): PutOut {
  const locals = new Set(localAgents);
  return {
    standing: (agent) => {
      if (locals.has(agent)) return 'in';
      const record = book.credential(agent);
      if (record !== null) return record.revokedMs === null ? 'in' : 'revoked';
      if (!needsRecord) return 'in';
      return book.isCurrent ? 'unknown' : 'unread';
    },
    onChange: (listener) => book.onChange(listener),
  };
}
