import {
  AuthorizationError,
  ConnectionError,
  PermissionViolationError,
  UserAuthenticationExpiredError,
} from '@nats-io/transport-node';
import { isTooOld, SERVER_VERSION_MIN } from './server-version.ts';
import { isUntrusted } from './tls.ts';

/**
 * revoked    this connection was let in before, and is not any more
 * credentials  who it says it is, is not let in
 * untrusted  the server does not prove who it is
 * version    the server is too old
 * unreachable  nobody is there
 */
export type RefusalCause = 'revoked' | 'credentials' | 'untrusted' | 'version' | 'unreachable';

/** `sentence`: what was seen, and what to do. */
export interface Refusal {
  readonly why: RefusalCause;
  readonly sentence: string;
}

interface Asked {
  readonly servers: readonly string[];
  readonly auth: { readonly kind: 'none' | 'password' | 'credentials' };
}

/** Why none of the servers let us in, from what the last one said. */
export function refusalOf({ servers, auth }: Asked, error: Error): Refusal {
  const place = `NATS at ${servers.map(withoutUser).join(', ')}`;
  const refused = (why: RefusalCause, words: string) => ({ why, sentence: `${place} ${words}` });
  if (error instanceof UserAuthenticationExpiredError)
    return refused(
      'credentials',
      "refused the credentials, which have expired: check this machine's clock, else join anew with a fresh token",
    );
  if (error instanceof AuthorizationError)
    return refused('credentials', `refused the ${REFUSED[auth.kind]}`);
  if (error instanceof ConnectionError && error.message.includes("support 'tls'"))
    return refused(
      'untrusted',
      "offers no TLS, so nobody knows who answers: check the address, and the tls section of that server's configuration",
    );
  if (isUntrusted(error))
    return refused(
      'untrusted',
      `shows a certificate that is not accepted (${error.message}): check the address, the CA and this machine's clock`,
    );
  return refused(
    'unreachable',
    `could not be reached (${error.message}): check the addresses and that the server runs`,
  );
}

const REFUSED = {
  none: 'connection without credentials: check the user that the configuration names',
  password: 'credentials: check the user that the configuration names',
  credentials:
    'credentials: they were revoked, or it trusts the keys of another fleet; an agent joins anew with a fresh token',
};

/** Null: it is new enough. */
export function tooOld(server: string, version: string): Refusal | null {
  if (!isTooOld(version)) return null;
  const found = version === '' ? 'of an unknown version' : version;
  return {
    why: 'version',
    sentence: `the NATS server at ${server} is ${found}, but ${SERVER_VERSION_MIN} or newer is needed: upgrade it`,
  };
}

export const REVOKED: Refusal = {
  why: 'revoked',
  sentence:
    'NATS revoked the credentials of this connection: this machine was removed from the fleet; join anew with a fresh token',
};

/** The client has no class of its own for it. Not the expiry, which a renewed credential ends. */
export function isRevocation(error: Error): boolean {
  return /authentication revoked/i.test(error.message);
}

/** Refusals one after the other, monotonic ms. */
export interface RefusalStreak {
  readonly firstMs: number;
  readonly lastMs: number;
}

/** Servers that are away make the next refusal late: what they would say is not known, so the count begins anew. */
const REFUSAL_GAP_MS_MAX = 15_000;

/** @param error what was seen while reconnecting: anything but a refusal leaves the streak as it is. */
export function afterRefusal(
  streak: RefusalStreak | null,
  error: Error,
  nowMs: number,
): RefusalStreak | null {
  const isRefused =
    error instanceof AuthorizationError || error instanceof UserAuthenticationExpiredError;
  if (!isRefused) return streak;
  const goesOn = streak !== null && nowMs - streak.lastMs <= REFUSAL_GAP_MS_MAX;
  return { firstMs: goesOn ? streak.firstMs : nowMs, lastMs: nowMs };
}

export function refusedFor(streak: RefusalStreak | null): number {
  return streak === null ? 0 : streak.lastMs - streak.firstMs;
}

/** An address may carry a password, which is never printed. */
function withoutUser(server: string): string {
  return server.replace(/^([a-z+]+:\/\/)?[^@/]*@/, '$1');
}

/** Whether the server says that there is no right to publish or hear this subject. */
export function isRightless(error: Error, subject: string): boolean {
  return error instanceof PermissionViolationError && error.subject === subject;
}
