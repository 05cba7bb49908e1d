import { createHash, timingSafeEqual } from 'node:crypto';

/** SHA-256, hex. The secrets have 160 random bits: nothing slower is needed. */
export function secretSha256(secret: string): string {
  return createHash('sha256').update(secret).digest('hex');
}

/** In a time that tells nothing; against nobody's hash it is false, and takes as long. */
export function isSecretOf(secret: string, sha256: string | null): boolean {
  const right = Buffer.from(sha256 ?? '0'.repeat(64), 'hex');
  const shown = Buffer.from(secretSha256(secret), 'hex');
  return timingSafeEqual(right, shown) && sha256 !== null;
}
