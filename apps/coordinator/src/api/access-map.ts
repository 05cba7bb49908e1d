import type { CredentialRecord, JoinTokenRecord, Role, UserRecord } from '@podctl/domain/access.ts';
import {
  type Credential,
  CredentialState,
  type JoinToken,
  JoinTokenState,
  Role as RoleMessage,
  type User,
} from '@podctl/proto/podctl/v1/access.ts';
import { dateOf } from './time-map.ts';

const roles: { readonly [R in Role]: RoleMessage } = {
  viewer: RoleMessage.VIEWER,
  operator: RoleMessage.OPERATOR,
  admin: RoleMessage.ADMIN,
};

export function roleMessage(role: Role): RoleMessage {
  return roles[role];
}

/** Null when none was named, or one that is not known here. */
export function roleOf(message: RoleMessage): Role | null {
  switch (message) {
    case RoleMessage.VIEWER:
      return 'viewer';
    case RoleMessage.OPERATOR:
      return 'operator';
    case RoleMessage.ADMIN:
      return 'admin';
    default:
      return null;
  }
}

export function joinTokenMessage(record: JoinTokenRecord, nowMs: number): JoinToken {
  return {
    tokenId: record.id,
    state: tokenState(record, nowMs),
    agentId: record.agent ?? '',
    usesMax: record.usesMax,
    usedBy: record.uses.map(({ agent }) => agent),
    createdAt: dateOf(record.createdMs),
    createdBy: record.createdBy,
    expiresAt: dateOf(record.expiresMs),
  };
}

function tokenState(record: JoinTokenRecord, nowMs: number): JoinTokenState {
  if (record.revokedMs !== null) return JoinTokenState.REVOKED;
  if (nowMs >= record.expiresMs) return JoinTokenState.EXPIRED;
  return record.uses.length >= record.usesMax ? JoinTokenState.USED : JoinTokenState.OPEN;
}

export function credentialMessage(record: CredentialRecord, nowMs: number): Credential {
  return {
    agentId: record.agent,
    state: credentialState(record, nowMs),
    issuedAt: dateOf(record.issuedMs),
    expiresAt: dateOf(record.expiresMs),
    revokedAt: dateOf(record.revokedMs),
    tokenId: record.tokenId,
  };
}

function credentialState(record: CredentialRecord, nowMs: number): CredentialState {
  if (record.revokedMs !== null) return CredentialState.REVOKED;
  return nowMs >= record.expiresMs ? CredentialState.EXPIRED : CredentialState.VALID;
}

export function userMessage(record: UserRecord): User {
  return {
    name: record.name,
    role: roleMessage(record.role),
    createdAt: dateOf(record.createdMs),
    createdBy: record.createdBy,
    revokedAt: dateOf(record.revokedMs),
  };
}
