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

/** One sentence for the one who was refused, without what was sent. `busy`: the same may be asked again. */
export interface JoinRefusal {
  readonly kind: 'denied' | 'conflict' | 'busy';
  readonly sentence: string;
}

/**
 * Who is let in, as this coordinator knows it, and the changes of that. Any coordinator makes them, each by a CAS on one
 * record; the leader sees to it that NATS and the sessions follow. Everything is told to the audit log.
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
  /** `applied`: the NATS servers ended its connection. */
  revokeAgent(agent: AgentId, by: string): Promise<'not_found' | { readonly applied: boolean }>;
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

/** Who was put out. */
export interface PutOut {
  isRevoked(agent: AgentId): boolean;
  onChange(listener: () => void): () => void;
}

export function putOutBy(access: Pick<Access, 'credential' | 'onChange'>): PutOut {
  return {
    isRevoked: (agent) => (access.credential(agent)?.revokedMs ?? null) !== null,
    onChange: (listener) => access.onChange(listener),
  };
}
