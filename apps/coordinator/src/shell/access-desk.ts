import { randomBytes } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import {
  type CredentialRecord,
  JOIN_TOKEN_LIMITS,
  type JoinTokenRecord,
  parseUserToken,
  putOut,
  type Role,
  type UserRecord,
} from '@podctl/domain/access.ts';
import { type AgentId, base32 } from '@podctl/domain/ids.ts';
import { formatJoinToken } from '@podctl/domain/join-token.ts';
import { credentialKey, tokenKey, userKey } from '@podctl/domain/key.ts';
import { invariant, type Result } from '@podctl/domain/result.ts';
import { credentialRecord, joinTokenRecord, userRecord } from '@podctl/platform/access-records.ts';
import {
  type Authority,
  authorityPaths,
  newUserToken,
} from '@podctl/platform/authority/authority.ts';
import type { Clock } from '@podctl/platform/clock.ts';
import type { IssuedMessage, JoinMessage } from '@podctl/platform/enrolment.ts';
import type { Kv } from '@podctl/platform/kv.ts';
import type { Service } from '@podctl/platform/service.ts';
import { type Access, AccessRefused, type Caller, type JoinRefusal } from './access.ts';
import type { AccessBook } from './access-book.ts';
import { AccessLimits } from './access-limits.ts';
import { AccessRecords } from './access-records.ts';
import { isSecretOf, secretSha256 } from './access-secret.ts';
import type { AuditLog } from './audit-log.ts';
import { EnrolmentDesk } from './enrolment-desk.ts';
import type { Logger } from './logger.ts';

export interface AccessDeskOptions {
  readonly authority: Authority;
  readonly kv: Kv;
  readonly book: AccessBook;
  readonly audit: AuditLog;
  readonly clock: Clock;
  readonly log: Logger;
  /** Whether an agent of this name is there now. */
  readonly isLive: (agent: AgentId) => boolean;
  /** Where agents find the fleet. `coordinators` is empty as long as nothing listens for them. */
  readonly place: () => Pick<IssuedMessage, 'natsServers' | 'coordinators'>;
  /** Resolves to whether the NATS servers were seen to refuse the key, within a few seconds. */
  readonly isRefused: (natsKey: string, revokedMs: number) => Promise<boolean>;
}

const ADMIN = 'admin';
/** A token that is over is shown so long, then forgotten. */
const TOKEN_KEPT_MS = 30 * 86_400_000;
const FORGOTTEN_AT_ONCE = 20;

/** Who is let in, and the changes of that; the book must be started before it. */
export class AccessDesk implements Access, Service {
  readonly name = 'access desk';
  readonly #options: AccessDeskOptions;
  readonly #records: AccessRecords;
  readonly #enrolment: EnrolmentDesk;

  constructor(options: AccessDeskOptions) {
    const { kv, book } = options;
    const records = new AccessRecords(kv, book);
    const limits = new AccessLimits(options.clock);
    this.#options = options;
    this.#records = records;
    this.#enrolment = new EnrolmentDesk({ ...options, records, limits });
  }

  /**
   * The first person is whoever can read the file beside the fleet's keys; also again, once no admin is left: whoever reads
   * that file has the keys anyway.
   */
  async start(): Promise<void> {
    const { book, authority, log, audit, clock } = this.#options;
    const isAdmin = ({ role, revokedMs }: UserRecord) => role === 'admin' && revokedMs === null;
    if (book.users().some(isAdmin)) return;
    const path = authorityPaths(authority.folder).adminToken;
    const text = await readFile(path, 'utf8').catch(() => '');
    const token = parseUserToken(text.trim());
    if (token?.name !== ADMIN) {
      log.warn({}, `nobody can be let in yet: ${path} holds no token of the user admin`);
      return;
    }
    const record = userOf(ADMIN, 'admin', 'the first start', token.secret, clock.wallMs());
    let isOurs = false;
    await this.#records.change(userKey(ADMIN), userRecord, (known) => {
      isOurs = known === null || known.revokedMs !== null;
      return isOurs ? record : null;
    });
    if (isOurs) audit.note('user_made', { by: record.createdBy, user: ADMIN, role: 'admin' });
  }

  async stop(): Promise<void> {}

  tokens(): readonly JoinTokenRecord[] {
    return this.#options.book.tokens();
  }

  credential(agent: AgentId): CredentialRecord | null {
    return this.#options.book.credential(agent);
  }

  credentials(): readonly CredentialRecord[] {
    return this.#options.book.credentials();
  }

  users(): readonly UserRecord[] {
    return this.#options.book.users();
  }

  onChange(listener: () => void): () => void {
    return this.#options.book.onChange(listener);
  }

  authenticate(bearer: string): Caller | null {
    const token = parseUserToken(bearer);
    const user = token === null ? null : this.#options.book.user(token.name);
    const isRight = isSecretOf(token?.secret ?? '', user?.secretSha256 ?? null);
    if (user === null || !isRight || user.revokedMs !== null) return null;
    return { name: user.name, role: user.role };
  }

  async createToken(of: Parameters<Access['createToken']>[0]) {
    const { authority, audit, clock, place } = this.#options;
    const { agent, ttlMs, usesMax, by } = of;
    invariant(ttlMs > 0 && ttlMs <= JOIN_TOKEN_LIMITS.ttlMsMax, 'the time of a token is checked');
    invariant(usesMax > 0 && usesMax <= JOIN_TOKEN_LIMITS.usesMax, 'its uses are checked');
    const [url] = place().coordinators;
    if (url === undefined) throw new AccessRefused(NOWHERE_TO_JOIN);
    await this.#forgetOld();
    const id = base32(randomBytes(10));
    const secret = base32(randomBytes(20));
    const nowMs = clock.wallMs();
    const record: JoinTokenRecord = {
      ...{ id, secretSha256: secretSha256(secret), agent, usesMax, uses: [] },
      ...{ createdMs: nowMs, createdBy: by, expiresMs: nowMs + ttlMs, revokedMs: null },
    };
    await this.#records.change(tokenKey(id), joinTokenRecord, (known) =>
      known === null ? record : null,
    );
    audit.note('token_made', { by, token_id: id, ...(agent === null ? {} : { agent }) });
    const { caSha256 } = authority;
    return { record, text: formatJoinToken({ url, caSha256, id, secret }) };
  }

  async revokeToken(id: string, by: string): Promise<'revoked' | 'not_found'> {
    const { audit, clock } = this.#options;
    const key = tokenKey(id);
    let changed = false;
    const record = await this.#records.change(key, joinTokenRecord, (known) => {
      changed ||= known !== null && known.revokedMs === null;
      if (known === null || known.revokedMs !== null) return null;
      return { ...known, revokedMs: clock.wallMs() };
    });
    if (record === null) return 'not_found';
    if (changed) audit.note('token_revoked', { by, token_id: id });
    return 'revoked';
  }

  async revokeAgent(agent: AgentId, by: string, onlyTlsKeySha256?: string) {
    const { audit, clock } = this.#options;
    let changed = false;
    const isMeant = ({ tlsKeySha256 }: CredentialRecord) =>
      onlyTlsKeySha256 === undefined || onlyTlsKeySha256 === tlsKeySha256;
    const out = await this.#records.change(credentialKey(agent), credentialRecord, (known) => {
      const isIn = known !== null && known.revokedMs === null && isMeant(known);
      changed ||= isIn;
      return isIn ? putOut(known, clock.wallMs()) : null;
    });
    if (out === null || !isMeant(out)) return 'not_found' as const;
    if (changed) audit.note('credential_revoked', { by, agent, token_id: out.tokenId });
    const applied = await this.#options.isRefused(out.natsKey, out.revokedMs ?? clock.wallMs());
    return { applied };
  }

  async createUser(name: string, role: Role, by: string) {
    const { audit, clock } = this.#options;
    const text = newUserToken(name);
    const secret = parseUserToken(text)?.secret;
    invariant(secret !== undefined, 'the name of a person is checked');
    const made = userOf(name, role, by, secret, clock.wallMs());
    const record = await this.#records.change(userKey(name), userRecord, (known) =>
      known === null || known.revokedMs !== null ? made : null,
    );
    // What is there may be ours though its answer was lost.
    if (record?.secretSha256 !== made.secretSha256) return 'exists' as const;
    audit.note('user_made', { by, user: name, role });
    return { record, text };
  }

  async revokeUser(name: string, by: string): Promise<'revoked' | 'not_found'> {
    const { audit, clock } = this.#options;
    let changed = false;
    const record = await this.#records.change(userKey(name), userRecord, (known) => {
      changed ||= known !== null && known.revokedMs === null;
      if (known === null || known.revokedMs !== null) return null;
      return { ...known, revokedMs: clock.wallMs() };
    });
    if (record === null) return 'not_found';
    if (changed) audit.note('user_revoked', { by, user: name });
    return 'revoked';
  }

  join(request: JoinMessage, from: string): Promise<Result<IssuedMessage, JoinRefusal>> {
    return this.#enrolment.join(request, from);
  }

  renew(agent: AgentId, tlsKeyPem: string): Promise<Result<IssuedMessage, JoinRefusal>> {
    return this.#enrolment.renew(agent, tlsKeyPem);
  }

  /** So that the bucket does not grow with every token there ever was. */
  async #forgetOld(): Promise<void> {
    const nowMs = this.#options.clock.wallMs();
    const isOld = ({ expiresMs }: JoinTokenRecord) => nowMs - expiresMs > TOKEN_KEPT_MS;
    const old = this.tokens().filter(isOld).slice(0, FORGOTTEN_AT_ONCE);
    for (const { id } of old) await this.#records.forget(tokenKey(id), joinTokenRecord, isOld);
  }
}

const NOWHERE_TO_JOIN =
  'machines cannot join here: set coordinator.bytes.listen to an address that they reach, and start the coordinator again';

function userOf(name: string, role: Role, by: string, secret: string, nowMs: number): UserRecord {
  const hash = secretSha256(secret);
  return { name, role, secretSha256: hash, createdMs: nowMs, createdBy: by, revokedMs: null };
}
