import {
  type CredentialRecord,
  FORMER_KEYS_MAX,
  JOIN_TOKEN_LIMITS,
  type JoinTokenRecord,
  ROLES,
  type UserRecord,
} from '@podctl/domain/access.ts';
import { agentId } from '@podctl/domain/ids.ts';
import { isTokenId } from '@podctl/domain/join-token.ts';
import { z } from 'zod';
import { recordCodec } from './records.ts';
import { branded } from './wire.ts';

/** The values of the bucket `access`, as JSON. */
const sha256 = z.string().regex(/^[0-9a-f]{64}$/);
const millis = z.number().int().min(0);
const natsKey = z.string().regex(/^U[A-Z2-7]{55}$/);
const person = z.string().min(1).max(100);
const agent = branded(agentId);

export const joinTokenRecord = recordCodec<JoinTokenRecord>(
  'join token',
  z.object({
    id: z.string().refine(isTokenId),
    secretSha256: sha256,
    agent: agent.nullable(),
    usesMax: z.number().int().min(1).max(JOIN_TOKEN_LIMITS.usesMax),
    uses: z.array(z.object({ agent, natsKey })).max(JOIN_TOKEN_LIMITS.usesMax),
    createdMs: millis,
    createdBy: person,
    expiresMs: millis,
    revokedMs: millis.nullable(),
  }),
);

export const credentialRecord = recordCodec<CredentialRecord>(
  'credential',
  z.object({
    agent,
    natsKey,
    tlsKeySha256: sha256,
    issuedMs: millis,
    expiresMs: millis,
    tokenId: z.string().refine(isTokenId),
    revokedMs: millis.nullable(),
    formerKeys: z.array(z.object({ natsKey, revokedMs: millis })).max(FORMER_KEYS_MAX + 1),
  }),
);

export const userRecord = recordCodec<UserRecord>(
  'user',
  z.object({
    name: person,
    role: z.enum(ROLES),
    secretSha256: sha256,
    createdMs: millis,
    createdBy: person,
    revokedMs: millis.nullable(),
  }),
);
