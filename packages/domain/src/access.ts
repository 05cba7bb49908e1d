import type { AgentId } from './ids.ts';

/**
 * Who may do what: join tokens, the credentials of agents, and people. Kept in a bucket of its own; a record is never
 * removed while something that it governs could still be used. No secret is in it, only hashes.
 */
export const ROLES = ['viewer', 'operator', 'admin'] as const;
/** Each may do what those before it may. */
export type Role = (typeof ROLES)[number];

export function isRole(text: string): text is Role {
  return ROLES.some((role) => role === text);
}

export function mayActAs(role: Role, needed: Role): boolean {
  return ROLES.indexOf(role) >= ROLES.indexOf(needed);
}

/** `token.<id>` */
export interface JoinTokenRecord {
  readonly id: string;
  /** SHA-256 of the secret, hex. */
  readonly secretSha256: string;
  /** The only agent that it lets in; null: whichever name the machine gives itself. */
  readonly agent: AgentId | null;
  readonly usesMax: number;
  /** Whom it let in, by agent and public key: who asks again for the same is answered again. */
  readonly uses: readonly { readonly agent: AgentId; readonly natsKey: string }[];
  readonly createdMs: number;
  readonly createdBy: string;
  readonly expiresMs: number;
  readonly revokedMs: number | null;
}

/** `agent.<id>` */
export interface CredentialRecord {
  readonly agent: AgentId;
  /** Public user key at NATS. */
  readonly natsKey: string;
  /** SHA-256 of its public key for TLS (SPKI in DER), hex. */
  readonly tlsKeySha256: string;
  readonly issuedMs: number;
  readonly expiresMs: number;
  /** By which join token it came. */
  readonly tokenId: string;
  readonly revokedMs: number | null;
  /** Keys that this agent had before and that were revoked, with when. */
  readonly formerKeys: readonly { readonly natsKey: string; readonly revokedMs: number }[];
}

/** `user.<name>` */
export interface UserRecord {
  readonly name: string;
  readonly role: Role;
  /** SHA-256 of the secret, hex. */
  readonly secretSha256: string;
  readonly createdMs: number;
  readonly createdBy: string;
  readonly revokedMs: number | null;
}

const userTokenPattern = /^pu1\.([a-z0-9](?:[a-z0-9-]{0,46}[a-z0-9])?)\.([a-z2-7]{32})$/;

/** The parts of a person's bearer token, `pu1.<name>.<secret>`; null for any other text. */
export function parseUserToken(
  text: string,
): { readonly name: string; readonly secret: string } | null {
  const [, name, secret] = userTokenPattern.exec(text) ?? [];
  return name === undefined || secret === undefined ? null : { name, secret };
}

/** What a join token may be at most: of a larger one a theft would matter more. */
export const JOIN_TOKEN_LIMITS = { ttlMsMax: 7 * 86_400_000, usesMax: 1_000 } as const;

export type TokenRefusal = 'unknown' | 'expired' | 'used_up' | 'revoked' | 'other_agent';

/** One sentence each, without what was sent. */
export const TOKEN_REFUSALS: { readonly [K in TokenRefusal]: string } = {
  unknown: 'this join token is not known here: ask for a new one (podctl agent token create)',
  expired: 'this join token has expired: ask for a new one (podctl agent token create)',
  used_up: 'this join token was used as often as it may be: ask for a new one',
  revoked: 'this join token was revoked: ask for a new one',
  other_agent: 'this join token is for an agent of another name: name it with --name',
};

/** Whether a token whose secret was right lets this agent in with this key; null: it does. */
export function judgeJoin(
  record: JoinTokenRecord,
  agent: AgentId,
  natsKey: string,
  nowMs: number,
): TokenRefusal | null {
  if (record.revokedMs !== null) return 'revoked';
  if (nowMs >= record.expiresMs) return 'expired';
  if (record.agent !== null && record.agent !== agent) return 'other_agent';
  if (wasUsedBy(record, agent, natsKey)) return null;
  return record.uses.length >= record.usesMax ? 'used_up' : null;
}

/** The record after it let this agent in; the same one when it had done so before. */
export function withUse(record: JoinTokenRecord, agent: AgentId, natsKey: string): JoinTokenRecord {
  if (wasUsedBy(record, agent, natsKey)) return record;
  return { ...record, uses: [...record.uses, { agent, natsKey }] };
}

function wasUsedBy({ uses }: JoinTokenRecord, agent: AgentId, natsKey: string): boolean {
  return uses.some((use) => use.agent === agent && use.natsKey === natsKey);
}

export type CredentialRefusal = 'unknown' | 'revoked' | 'expired' | 'other_key';

/** Whether the agent may act with this TLS key; null: it may. */
export function judgeCredential(
  record: CredentialRecord | null,
  tlsKeySha256: string,
  nowMs: number,
): CredentialRefusal | null {
  if (record === null) return 'unknown';
  if (record.revokedMs !== null) return 'revoked';
  if (record.tlsKeySha256 !== tlsKeySha256) return 'other_key';
  return nowMs >= record.expiresMs ? 'expired' : null;
}

export type NameRefusal =
  | 'taken'
  | 'works_here'
  | 'revoked_key'
  | 'key_of_another'
  | 'too_many_keys';

export const NAME_REFUSALS: { readonly [K in NameRefusal]: string } = {
  taken:
    'another machine is the agent of this name: choose another one with --name, or put that one out first (podctl agent remove NAME)',
  works_here:
    'an agent of this name works beside a coordinator, without a credential: choose another name with --name',
  revoked_key:
    'the keys of this machine were revoked: remove its credential there, and join with new keys and a fresh token',
  key_of_another:
    'the keys of this machine are, or were, those of an agent of another name: join with fresh keys',
  too_many_keys: 'agents of this name were put out too often: choose another one with --name',
};

/** Of one name, within the time in which they must be remembered. */
export const FORMER_KEYS_MAX = 64;

/**
 * Whether the holder of this key may be the agent of the record; null: it may. A name is free when nobody has it, when
 * who had it is out, and for who has it already. A key that was put out never comes in again: who has it was put out.
 */
export function judgeName(
  record: CredentialRecord | null,
  natsKey: string,
  nowMs: number,
): NameRefusal | null {
  if (record === null) return null;
  if (wasPutOut(record, natsKey)) return 'revoked_key';
  if (record.natsKey === natsKey) return null;
  if (record.revokedMs === null && nowMs < record.expiresMs) return 'taken';
  return formerKeysOf(record, nowMs).length > FORMER_KEYS_MAX ? 'too_many_keys' : null;
}

/** Whether an agent of another name has or had this key: putting one of the two out would put out both. */
export function isKeyOfAnother(
  records: Iterable<CredentialRecord>,
  agent: AgentId,
  natsKey: string,
): boolean {
  for (const record of records)
    if (record.agent !== agent && (record.natsKey === natsKey || wasPutOut(record, natsKey)))
      return true;
  return false;
}

function wasPutOut(record: CredentialRecord, natsKey: string): boolean {
  const isOut = record.natsKey === natsKey && record.revokedMs !== null;
  return isOut || record.formerKeys.some((former) => former.natsKey === natsKey);
}

type IssuedCredential = Omit<CredentialRecord, 'revokedMs' | 'formerKeys'>;

/** The record of what was issued, after `before`; whoever had the name with another key is out for good. */
export function succeed(
  before: CredentialRecord | null,
  issued: IssuedCredential,
): CredentialRecord {
  const isRenewed = before?.natsKey === issued.natsKey;
  const formerKeys =
    before === null || isRenewed
      ? (before?.formerKeys ?? [])
      : formerKeysOf(before, issued.issuedMs);
  // Clocks differ: what another coordinator issued before, and dated later, must not outlive a revocation.
  const issuedMs = isRenewed ? Math.max(before.issuedMs, issued.issuedMs) : issued.issuedMs;
  return { ...issued, issuedMs, revokedMs: null, formerKeys };
}

/** The keys to be remembered once another one has the name. */
function formerKeysOf(
  { natsKey, revokedMs, issuedMs, formerKeys }: CredentialRecord,
  nowMs: number,
): CredentialRecord['formerKeys'] {
  const last = { natsKey, revokedMs: revokedMs ?? Math.max(nowMs, issuedMs) };
  return [...formerKeys, last].filter(({ revokedMs: ms }) => isRemembered(ms, nowMs));
}

/** The record of an agent that is put out: not before the latest moment that any coordinator's clock gave what it issued. */
export function putOut(record: CredentialRecord, nowMs: number): CredentialRecord {
  return { ...record, revokedMs: Math.max(nowMs, record.issuedMs) };
}

export const CREDENTIAL_LIFE_MS = 30 * 86_400_000;

/** When an agent asks for a new one: early enough that a week's outage of all coordinators locks nobody out. */
export function renewalDueMs(issuedMs: number, expiresMs: number): number {
  return issuedMs + Math.floor(((expiresMs - issuedMs) * 2) / 3);
}

function isRemembered(revokedMs: number, nowMs: number): boolean {
  return nowMs - revokedMs <= 2 * CREDENTIAL_LIFE_MS;
}

/** Both of them; for a key of both, the later moment. What is too old to matter is left out. */
export function unitedRevocations(
  one: ReadonlyMap<string, number>,
  other: ReadonlyMap<string, number>,
  nowMs: number,
): ReadonlyMap<string, number> {
  const keys = new Map<string, number>();
  for (const [natsKey, revokedMs] of [...one, ...other])
    if (isRemembered(revokedMs, nowMs))
      keys.set(natsKey, Math.max(revokedMs, keys.get(natsKey) ?? 0));
  return keys;
}

/** Whether all of them are in force where `known` is: there to the second, rounded up. */
export function covers(
  known: ReadonlyMap<string, number>,
  wanted: ReadonlyMap<string, number>,
): boolean {
  return [...wanted].every(([natsKey, revokedMs]) => (known.get(natsKey) ?? 0) >= revokedMs);
}

/** Public keys that NATS must refuse, with the moment up to which what was issued is void. Longer than a credential lives is enough. */
export function revokedKeys(
  records: Iterable<CredentialRecord>,
  nowMs: number,
): ReadonlyMap<string, number> {
  const keys = new Map<string, number>();
  const add = (natsKey: string, revokedMs: number) => {
    if (isRemembered(revokedMs, nowMs))
      keys.set(natsKey, Math.max(revokedMs, keys.get(natsKey) ?? 0));
  };
  for (const { natsKey, revokedMs, formerKeys } of records) {
    if (revokedMs !== null) add(natsKey, revokedMs);
    for (const former of formerKeys) add(former.natsKey, former.revokedMs);
  }
  return keys;
}
