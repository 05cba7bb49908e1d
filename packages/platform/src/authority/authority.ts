import { randomBytes } from 'node:crypto';
import { readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { base32 } from '@podctl/domain/ids.ts';
import { z } from 'zod';
import { writeJsonFile, writePrivateFile, writePublicFile } from '../json-file.ts';
import { certificateSha256, type KeyedCertificate, makeCa } from './certificates.ts';
import { makeNatsSeeds, type NatsSeeds } from './nats-claims.ts';

/**
 * What a fleet's trust hangs on: the CA that signs its certificates, and the seeds that its NATS credentials are signed
 * with. Every coordinator of the fleet has the same one, in a folder that only its user may read.
 */
export interface Authority {
  readonly folder: string;
  readonly ca: KeyedCertificate;
  /** Of the CA's certificate in DER, hex: what a join token carries. */
  readonly caSha256: string;
  readonly nats: NatsSeeds;
}

/** One sentence for people. */
export class AuthorityError extends Error {
  constructor(sentence: string, cause?: unknown) {
    super(sentence, { cause });
    this.name = 'AuthorityError';
  }
}

/** As k3s: renewing a CA means to join every machine anew, so it is a rare act, done by hand. */
const CA_LIFE_MS = 10 * 365 * 86_400_000;

const schema = z.object({
  version: z.literal(1),
  ca: z.object({ certPem: z.string(), keyPem: z.string() }),
  nats: z.object({ operator: z.string(), account: z.string(), systemAccount: z.string() }),
});

export const authorityPaths = (folder: string) => ({
  secrets: join(folder, 'authority.json'),
  /** For whoever wants to check our certificates: public. */
  caCertificate: join(folder, 'ca.crt'),
  /** The first person's bearer token. */
  adminToken: join(folder, 'admin.token'),
});

/** Null when there is none in the folder. Rejects with AuthorityError when what is there cannot be used. */
export async function openAuthority(folder: string): Promise<Authority | null> {
  const path = authorityPaths(folder).secrets;
  let text: string;
  try {
    text = await readFile(path, 'utf8');
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return null;
    const why = error instanceof Error ? error.message : String(error);
    throw new AuthorityError(`the fleet's authority cannot be read: ${why}`, error);
  }
  if (((await stat(path)).mode & 0o077) !== 0)
    throw new AuthorityError(
      `${path} holds the fleet's keys, and others on this machine may read it: run "chmod 600 ${path}"`,
    );
  return { folder, ...partsIn(path, text) };
}

function partsIn(path: string, text: string): Omit<Authority, 'folder'> {
  try {
    const { ca, nats } = schema.parse(JSON.parse(text));
    return { ca, nats, caSha256: certificateSha256(ca.certPem) };
  } catch (error) {
    // What the parser says may quote a key.
    throw new AuthorityError(
      `${path} is not an authority of podctl, or a part of it is missing: restore it from a copy`,
      error,
    );
  }
}

/** Opens it, or makes it with an admin's token beside it. Rejects with AuthorityError. */
export async function ensureAuthority(folder: string, nowMs: number): Promise<Authority> {
  const known = await openAuthority(folder);
  if (known !== null) return known;
  const ca = await makeCa({ fromMs: nowMs, toMs: nowMs + CA_LIFE_MS });
  const nats = makeNatsSeeds();
  const paths = authorityPaths(folder);
  await writePrivateFile(paths.adminToken, `${newUserToken('admin')}\n`);
  await writePublicFile(paths.caCertificate, ca.certPem);
  // Last: with it the authority is there, whole.
  await writeJsonFile(paths.secrets, { version: 1, ca, nats });
  return { folder, ca, caSha256: certificateSha256(ca.certPem), nats };
}

/** A person's bearer token: `pu1.<name>.<secret>`. */
export function newUserToken(name: string): string {
  return `pu1.${name}.${base32(randomBytes(20))}`;
}
