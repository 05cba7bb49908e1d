import {
  type CreateJoinTokenResponse,
  type JoinToken,
  JoinTokenState,
  Role,
  type User,
  type WhoAmIResponse,
} from '@podctl/proto/podctl/v1/access.ts';
import { isoTime } from './list-document.ts';

export const ROLE_WORDS = ['viewer', 'operator', 'admin'] as const;
export type RoleWord = (typeof ROLE_WORDS)[number];
export type JoinTokenStateWord = 'open' | 'used' | 'expired' | 'revoked' | 'unknown';

const roles: { readonly [word in RoleWord]: Role } = {
  viewer: Role.VIEWER,
  operator: Role.OPERATOR,
  admin: Role.ADMIN,
};

const tokenStates: { readonly [state: number]: JoinTokenStateWord } = {
  [JoinTokenState.OPEN]: 'open',
  [JoinTokenState.USED]: 'used',
  [JoinTokenState.EXPIRED]: 'expired',
  [JoinTokenState.REVOKED]: 'revoked',
};

/** Null for what is no role. */
export function roleOf(word: string): Role | null {
  const known = ROLE_WORDS.find((each) => each === word);
  return known === undefined ? null : roles[known];
}

export function roleWord(role: Role): RoleWord | 'unknown' {
  return ROLE_WORDS.find((word) => roles[word] === role) ?? 'unknown';
}

/** A join token without its secret, as `--json` prints it. */
export interface JoinTokenView {
  readonly tokenId: string;
  readonly state: JoinTokenStateWord;
  /** The only agent that it lets in; empty for any. */
  readonly agentId: string;
  readonly usesMax: number;
  readonly usedBy: readonly string[];
  readonly createdAt: string | null;
  readonly createdBy: string;
  readonly expiresAt: string | null;
}

export function joinTokenView(token: JoinToken): JoinTokenView {
  return {
    tokenId: token.tokenId,
    state: tokenStates[token.state] ?? 'unknown',
    agentId: token.agentId,
    usesMax: token.usesMax,
    usedBy: token.usedBy,
    createdAt: isoTime(token.createdAt),
    createdBy: token.createdBy,
    expiresAt: isoTime(token.expiresAt),
  };
}

/** A join token that was just made: `text` is the secret. */
export interface NewJoinTokenView extends JoinTokenView {
  readonly text: string;
  /** For the machine that is to join. */
  readonly command: string;
}

/** Null when the coordinator left the token out. */
export function newJoinTokenView({
  token,
  text,
}: CreateJoinTokenResponse): NewJoinTokenView | null {
  if (token === undefined || text === '') return null;
  return { ...joinTokenView(token), text, command: installCommand(text, token.agentId) };
}

/** With a space before it, since shells that are told so keep such a line out of their history. */
function installCommand(text: string, agentId: string): string {
  const name = agentId === '' ? '' : ` --name ${agentId}`;
  return ` printf '%s\\n' '${text}' | sudo podctl agent install --join-file -${name}`;
}

/** A person, as `--json` prints them. */
export interface UserView {
  readonly name: string;
  readonly role: RoleWord | 'unknown';
  readonly state: 'active' | 'revoked';
  readonly createdAt: string | null;
  readonly createdBy: string;
  readonly revokedAt: string | null;
}

export function userView(user: User): UserView {
  return {
    name: user.name,
    role: roleWord(user.role),
    state: user.revokedAt === undefined ? 'active' : 'revoked',
    createdAt: isoTime(user.createdAt),
    createdBy: user.createdBy,
    revokedAt: isoTime(user.revokedAt),
  };
}

/** Who the coordinator takes the caller for. */
export interface CallerView {
  /** Empty where nobody is asked for a token. */
  readonly name: string;
  readonly role: RoleWord | 'unknown';
}

export function callerView({ name, role }: WhoAmIResponse): CallerView {
  return { name, role: roleWord(role) };
}
