import { randomBytes } from 'node:crypto';
import {
  type CredentialRecord,
  type JoinTokenRecord,
  parseUserToken,
  type Role,
  type UserRecord,
} from '@podctl/domain/access.ts';
import { type AgentId, base32 } from '@podctl/domain/ids.ts';
import type { Access, Caller } from '../../apps/coordinator/src/shell/access.ts';
import { isSecretOf, secretSha256 } from '../../apps/coordinator/src/shell/access-secret.ts';

const CREATED_MS = Date.UTC(2026, 0, 1);

/** Who is let in, in memory: for tests of what asks it. Machines are let in by hand, with `letIn`. */
export class MemoryAccess implements Access {
  readonly #tokens = new Map<string, JoinTokenRecord>();
  readonly #credentials = new Map<AgentId, CredentialRecord>();
  readonly #users = new Map<string, UserRecord>();
  readonly #listeners = new Set<() => void>();
  /** What `revokeAgent` says of the NATS servers. */
  applied = true;

  get listeners(): number {
    return this.#listeners.size;
  }

  tokens = () => [...this.#tokens.values()];
  credential = (agent: AgentId) => this.#credentials.get(agent) ?? null;
  credentials = () => [...this.#credentials.values()];
  users = () => [...this.#users.values()];

  onChange(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  authenticate(bearer: string): Caller | null {
    const token = parseUserToken(bearer);
    const user = this.#users.get(token?.name ?? '') ?? null;
    const right = isSecretOf(token?.secret ?? '', user?.secretSha256 ?? null);
    return user !== null && right && user.revokedMs === null
      ? { name: user.name, role: user.role }
      : null;
  }

  async createToken({ agent, ttlMs, usesMax, by }: Parameters<Access['createToken']>[0]) {
    const id = base32(randomBytes(10));
    const secret = base32(randomBytes(20));
    const record: JoinTokenRecord = {
      ...{ id, secretSha256: secretSha256(secret), agent, usesMax, uses: [], createdBy: by },
      ...{ createdMs: CREATED_MS, expiresMs: CREATED_MS + ttlMs, revokedMs: null },
    };
    this.put(record);
    return { record, text: `pj1.${id}.${secret}` };
  }

  put(record: JoinTokenRecord): void {
    this.#tokens.set(record.id, record);
    this.#changed();
  }

  letIn(record: CredentialRecord): void {
    this.#credentials.set(record.agent, record);
    this.#changed();
  }

  async revokeToken(id: string) {
    const record = this.#tokens.get(id);
    if (record === undefined) return 'not_found' as const;
    this.put({ ...record, revokedMs: CREATED_MS });
    return 'revoked' as const;
  }

  async revokeAgent(agent: AgentId) {
    const record = this.#credentials.get(agent);
    if (record === undefined) return 'not_found' as const;
    this.letIn({ ...record, revokedMs: CREATED_MS });
    return { applied: this.applied };
  }

  async createUser(name: string, role: Role, by: string) {
    return this.#users.has(name) ? ('exists' as const) : this.grant(name, role, by);
  }

  /** Lets a person in at once; one who is there gets the role and another token. */
  grant(name: string, role: Role, by = 'a test') {
    const secret = base32(randomBytes(20));
    const hash = secretSha256(secret);
    const record = { name, role, secretSha256: hash, createdMs: CREATED_MS, createdBy: by };
    return { record: this.#putUser({ ...record, revokedMs: null }), text: `pu1.${name}.${secret}` };
  }

  /** The token stays the same. */
  changeRole(name: string, role: Role): void {
    const record = this.#users.get(name);
    if (record !== undefined) this.#putUser({ ...record, role });
  }

  async revokeUser(name: string) {
    const record = this.#users.get(name);
    if (record === undefined) return 'not_found' as const;
    this.#putUser({ ...record, revokedMs: CREATED_MS });
    return 'revoked' as const;
  }

  join = () => Promise.reject(new Error('nobody joins in this test'));
  renew = () => Promise.reject(new Error('nobody renews in this test'));

  #putUser(record: UserRecord): UserRecord {
    this.#users.set(record.name, record);
    this.#changed();
    return record;
  }

  #changed(): void {
    for (const listener of this.#listeners) listener();
  }
}
