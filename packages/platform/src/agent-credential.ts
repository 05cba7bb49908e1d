import { readFileSync } from 'node:fs';
import { checkServerIdentity, type PeerCertificate } from 'node:tls';
import { type AgentId, agentId } from '@podctl/domain/ids.ts';
import { err, ok, type Result } from '@podctl/domain/result.ts';
import { z } from 'zod';
import { credentialsText } from './authority/nats-claims.ts';
import { SERVER_NAMES } from './authority/server-names.ts';
import { writeJsonFile } from './json-file.ts';
import { branded } from './wire.ts';

/** What an enrolled agent has: who it is, its own keys, what was issued for them, and where its fleet is. */
export interface AgentCredential {
  readonly agent: AgentId;
  readonly natsServers: readonly string[];
  /** `https://host:port` of byte listeners; one at least. */
  readonly coordinators: readonly string[];
  /** Of the fleet's CA. */
  readonly caPem: string;
  readonly natsSeed: string;
  readonly natsJwt: string;
  readonly tlsKeyPem: string;
  readonly tlsCertPem: string;
  readonly issuedMs: number;
  readonly expiresMs: number;
}

const FILE_BYTES_MAX = 64 * 1024;
const SERVERS_MAX = 16;
const line = z.string().min(1).max(300);
const pem = z.string().min(1).max(8_192);
const schema: z.ZodType<AgentCredential> = z.object({
  agent: branded(agentId),
  natsServers: z.array(line).min(1).max(SERVERS_MAX),
  coordinators: z.array(line).min(1).max(SERVERS_MAX),
  caPem: pem,
  natsSeed: line,
  natsJwt: pem,
  tlsKeyPem: pem,
  tlsCertPem: pem,
  issuedMs: z.number().int().min(0),
  expiresMs: z.number().int().min(0),
});

/** Null when there is no such file; an error is one sentence without any value of the file. */
export function readAgentCredential(path: string): Result<AgentCredential | null, string> {
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return ok(null);
    return err(`${path} cannot be read: ${error instanceof Error ? error.message : String(error)}`);
  }
  const advice = 'remove it and join anew with a fresh token';
  if (text.length > FILE_BYTES_MAX)
    return err(`${path} is too long for a credential of an agent; ${advice}`);
  try {
    return ok(schema.parse(JSON.parse(text)));
  } catch {
    return err(`${path} is no credential of an agent, or a part of it is missing; ${advice}`);
  }
}

/** Whole or not at all, for this user's eyes only. */
export function writeAgentCredential(path: string, credential: AgentCredential): Promise<void> {
  return writeJsonFile(path, credential);
}

/** How a connection to a coordinator is made: both sides know each other, and nobody else is trusted. */
export function tlsOptionsOf({ caPem, tlsCertPem, tlsKeyPem }: AgentCredential) {
  return { ...coordinatorTls(caPem), cert: tlsCertPem, key: tlsKeyPem };
}

/** Whatever address it is reached under, a coordinator has one name; nobody else of the fleet has it. */
export function coordinatorTls(caPem: string) {
  return {
    ca: caPem,
    minVersion: 'TLSv1.3',
    checkServerIdentity: (_host: string, certificate: PeerCertificate) =>
      checkServerIdentity(SERVER_NAMES.coordinator, certificate),
  } as const;
}

/** What the NATS client shows. */
export function natsCredentialsOf({ natsJwt, natsSeed }: AgentCredential): string {
  return credentialsText(natsJwt, natsSeed);
}
