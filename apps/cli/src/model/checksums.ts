import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { CHECKSUMS_FILE } from '@podctl/platform/model-folder.ts';

export interface FileChecksum {
  readonly name: string;
  readonly sizeBytes: number;
  /** Hex. */
  readonly sha256: string;
}

/** Of a model's folder, as it was imported; null where it holds none, or something else. */
export async function readChecksums(folder: string): Promise<readonly FileChecksum[] | null> {
  try {
    const found: unknown = JSON.parse(await readFile(join(folder, CHECKSUMS_FILE), 'utf8'));
    const files = (found as { files?: unknown }).files;
    return Array.isArray(files) && files.every(isChecksum) ? files : null;
  } catch {
    return null;
  }
}

/** The first file that is not what it was; null when all are. */
export async function damagedFile(
  folder: string,
  files: readonly FileChecksum[],
): Promise<string | null> {
  for (const { name, sizeBytes, sha256 } of files) {
    const seen = await checksumOf(join(folder, name)).catch(() => null);
    if (seen === null || seen.sizeBytes !== sizeBytes || seen.sha256 !== sha256) return name;
  }
  return null;
}

export async function checksumOf(path: string): Promise<Omit<FileChecksum, 'name'>> {
  const hash = createHash('sha256');
  let sizeBytes = 0;
  for await (const piece of createReadStream(path, { highWaterMark: 1 << 20 })) {
    hash.update(piece as Buffer);
    sizeBytes += (piece as Buffer).length;
  }
  return { sizeBytes, sha256: hash.digest('hex') };
}

function isChecksum(value: unknown): value is FileChecksum {
  if (typeof value !== 'object' || value === null) return false;
  const { name, sizeBytes, sha256 } = value as Partial<Record<keyof FileChecksum, unknown>>;
  return (
    typeof name === 'string' &&
    /^[^/\0]{1,255}$/.test(name) &&
    typeof sizeBytes === 'number' &&
    typeof sha256 === 'string' &&
    /^[0-9a-f]{64}$/.test(sha256)
  );
}
