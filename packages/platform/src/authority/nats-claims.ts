import { decode, encodeAccount, encodeOperator, encodeUser, fmtCreds } from '@nats-io/jwt';
import {
  createAccount,
  createOperator,
  createUser,
  fromPublic,
  fromSeed,
  type KeyPair,
} from '@nats-io/nkeys';
import {
  AGENT_REPLIES,
  AGENT_SUBSCRIPTIONS_MAX,
  agentRights,
} from '@podctl/domain/agent-rights.ts';
import type { AgentId } from '@podctl/domain/ids.ts';
import { MESSAGE_BYTES_MAX } from '../wire.ts';

/** The seeds that everything at NATS follows from. Who has them can do everything there. */
export interface NatsSeeds {
  readonly operator: string;
  readonly account: string;
  readonly systemAccount: string;
}

export function makeNatsSeeds(): NatsSeeds {
  const seedOf = (key: { getSeed(): Uint8Array }) => new TextDecoder().decode(key.getSeed());
  return {
    operator: seedOf(createOperator()),
    account: seedOf(createAccount()),
    systemAccount: seedOf(createAccount()),
  };
}

/** Public key of a seed. */
export function publicKeyOf(seed: string): string {
  return keyOf(seed).getPublicKey();
}

export function isUserKey(text: string): boolean {
  try {
    return text.startsWith('U') && fromPublic(text).getPublicKey() === text;
  } catch {
    return false;
  }
}

/** Whether the holder of the user key signed it. Never throws. */
export function isSignedBy(userKey: string, data: Uint8Array, signature: Uint8Array): boolean {
  try {
    return isUserKey(userKey) && fromPublic(userKey).verify(data, signature);
  } catch {
    return false;
  }
}

/** What a nats-server trusts: everything else is signed by it. */
export function operatorJwt({ operator, systemAccount }: NatsSeeds): Promise<string> {
  return encodeOperator('podctl', keyOf(operator), {
    system_account: publicKeyOf(systemAccount),
  });
}

/**
 * The account that all of podctl works in.
 *
 * @param revoked public keys of users, and when each was revoked, epoch ms.
 * @param issuedS when it is issued, epoch seconds. It must rise with each JWT of the account: of two with the same second
 * a server that was away may bring back the older one, and with it who was revoked (measured, see docs/adr/0010).
 */
export async function accountJwt(
  { operator, account }: NatsSeeds,
  revoked: ReadonlyMap<string, number>,
  issuedS: number,
): Promise<string> {
  // In one order: two coordinators that push the same push the same text.
  const keys = [...revoked].sort(([a], [b]) => (a < b ? -1 : 1));
  const revocations = Object.fromEntries(keys.map(([key, ms]) => [key, Math.ceil(ms / 1_000)]));
  const claims = {
    limits: { ...UNLIMITED, ...JETSTREAM_UNLIMITED },
    ...(revoked.size === 0 ? {} : { revocations }),
  };
  const signer = keyOf(operator);
  const jwt = await encodeAccount('PODCTL', keyOf(account), claims, { signer });
  return issuedAt(jwt, issuedS, signer);
}

/** When a JWT was issued, epoch seconds. Throws when it is none. */
export function issuedSecondsIn(jwt: string): number {
  return decode(jwt).iat;
}

/** The same JWT of another time: the package that makes them always takes the clock's. */
function issuedAt(jwt: string, iat: number, signer: KeyPair): string {
  const [header = '', body = ''] = jwt.split('.');
  const claims: object = JSON.parse(Buffer.from(body, 'base64url').toString());
  const text = `${header}.${Buffer.from(JSON.stringify({ ...claims, iat })).toString('base64url')}`;
  return `${text}.${Buffer.from(signer.sign(Buffer.from(text))).toString('base64url')}`;
}

export function systemAccountJwt({ operator, systemAccount }: NatsSeeds): Promise<string> {
  const claims = { limits: UNLIMITED };
  return encodeAccount('SYS', keyOf(systemAccount), claims, { signer: keyOf(operator) });
}

/** The revocations in an account's JWT, epoch ms. Throws when it is none. */
export function revocationsIn(jwt: string): ReadonlyMap<string, number> {
  const { revocations = {} } = decode<{ revocations?: Record<string, number> }>(jwt).nats;
  return new Map(Object.entries(revocations).map(([key, s]) => [key, s * 1_000]));
}

/** What is read in an account's JWT. */
export interface AccountClaims {
  /** Epoch seconds. */
  readonly issuedS: number;
  /** Public keys of users, and when each was revoked, epoch ms. */
  readonly revoked: ReadonlyMap<string, number>;
}

/** Null for what is not of our account by our operator: a server keeps any text that it is sent. */
export function accountClaimsIn(
  { operator, account }: NatsSeeds,
  jwt: string,
): AccountClaims | null {
  try {
    const { iss, sub, iat } = decode(jwt);
    const isOurs = iss === publicKeyOf(operator) && sub === publicKeyOf(account);
    return isOurs ? { issuedS: iat, revoked: revocationsIn(jwt) } : null;
  } catch {
    return null;
  }
}

/** What an agent may do, for its own public key. */
export function agentJwt(
  { account }: NatsSeeds,
  agent: AgentId,
  natsKey: string,
  expiresMs: number,
): Promise<string> {
  const { publish, subscribe } = agentRights(agent);
  const claims = {
    pub: { allow: [...publish] },
    sub: { allow: [...subscribe] },
    resp: { max: AGENT_REPLIES.max, ttl: AGENT_REPLIES.withinMs * 1_000_000 },
    subs: AGENT_SUBSCRIPTIONS_MAX,
    payload: MESSAGE_BYTES_MAX,
    data: -1,
    // Neither a leaf node nor MQTT: their subjects would be other ones.
    allowed_connection_types: ['STANDARD' as const],
  };
  return encodeUser(agent, fromPublic(natsKey), keyOf(account), claims, {
    exp: Math.floor(expiresMs / 1_000),
  });
}

/** The text of a credentials file for a user with every right in the account, or in the one for the system's own subjects. */
export async function fullCredentials(
  seeds: NatsSeeds,
  of: 'account' | 'systemAccount',
  name: string,
): Promise<string> {
  const user = createUser();
  const claims = { allowed_connection_types: ['STANDARD' as const] };
  const jwt = await encodeUser(name, user, keyOf(seeds[of]), claims);
  return new TextDecoder().decode(fmtCreds(jwt, user));
}

/** Longer than `up` runs without a new start, at which it gets a new one. */
const LOCAL_LIFE_MS = 365 * 86_400_000;

/** The text of a credentials file with an agent's rights, for the one that runs beside the fleet's keys. */
export async function localAgentCredentials(seeds: NatsSeeds, agent: AgentId): Promise<string> {
  const user = createUser();
  const expiresMs = Date.now() + LOCAL_LIFE_MS;
  const jwt = await agentJwt(seeds, agent, user.getPublicKey(), expiresMs);
  return new TextDecoder().decode(fmtCreds(jwt, user));
}

/** The text of a credentials file from a seed made by its owner and the JWT for it. */
export function credentialsText(jwt: string, userSeed: string): string {
  return new TextDecoder().decode(fmtCreds(jwt, keyOf(userSeed)));
}

const UNLIMITED = {
  subs: -1,
  data: -1,
  payload: -1,
  imports: -1,
  exports: -1,
  wildcards: true,
  conn: -1,
  leaf: 0,
} as const;

const JETSTREAM_UNLIMITED = {
  mem_storage: -1,
  disk_storage: -1,
  streams: -1,
  consumer: -1,
} as const;

function keyOf(seed: string) {
  return fromSeed(new TextEncoder().encode(seed));
}
