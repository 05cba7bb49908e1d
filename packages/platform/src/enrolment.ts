import { type AgentId, agentId } from '@podctl/domain/ids.ts';
import { isTokenId, isTokenSecret } from '@podctl/domain/join-token.ts';
import { z } from 'zod';
import { isUserKey } from './authority/nats-claims.ts';
import { branded, messageCodec } from './wire.ts';

/** Paths of a coordinator's byte listener. */
export const ENROLMENT_PATHS = {
  ca: '/v1/ca',
  enrol: '/v1/enrol',
  renew: '/v1/renew',
  leave: '/v1/leave',
} as const;

/** `POST /v1/enrol` */
export interface JoinMessage {
  readonly tokenId: string;
  readonly secret: string;
  readonly agent: AgentId;
  /** Public user key at NATS. */
  readonly natsKey: string;
  /** By that key over `joinClaim`, base64: who asks has it. */
  readonly proof: string;
  /** Public key for TLS, SPKI in PEM, EC P-256. */
  readonly tlsKeyPem: string;
}

/** Its answer, and that of `POST /v1/renew`, which has no body. */
export interface IssuedMessage {
  readonly natsServers: readonly string[];
  readonly coordinators: readonly string[];
  readonly natsJwt: string;
  readonly tlsCertPem: string;
  readonly issuedMs: number;
  readonly expiresMs: number;
}

/** What a machine signs when it joins: no other request is of these bytes. */
export function joinClaim({
  tokenId,
  agent,
  natsKey,
  tlsKeyPem,
}: Omit<JoinMessage, 'secret' | 'proof'>): Uint8Array {
  return new TextEncoder().encode(`podctl join 1\n${tokenId}\n${agent}\n${natsKey}\n${tlsKeyPem}`);
}

const text = (lengthMax: number) => z.string().min(1).max(lengthMax);
const urls = z.array(text(300)).min(1).max(16);
const millis = z.number().int().min(0);

export const joinMessage = messageCodec<JoinMessage>(
  'join request',
  z.object({
    tokenId: z.string().refine(isTokenId, 'expected the id of a join token'),
    secret: z.string().refine(isTokenSecret, 'expected the secret of a join token'),
    agent: branded(agentId),
    natsKey: z.string().max(64).refine(isUserKey, 'expected a public user key of NATS'),
    proof: z.string().regex(/^[A-Za-z0-9+/]{86}==$/, 'expected a signature in base64'),
    tlsKeyPem: text(1_000),
  }),
);

export const issuedMessage = messageCodec<IssuedMessage>(
  'credential',
  z.object({
    natsServers: urls,
    coordinators: urls,
    natsJwt: text(8_192),
    tlsCertPem: text(8_192),
    issuedMs: millis,
    expiresMs: millis,
  }),
);
