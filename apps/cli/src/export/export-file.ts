import { createHash } from 'node:crypto';
import { mkdir, open, readFile, rename, rm } from 'node:fs/promises';
import { dirname } from 'node:path';

/** What a file shall hold. */
export interface ExportContent {
  readonly sizeBytes: number;
  /** Of its bytes, hex. */
  readonly sha256: string;
}

/** The bytes that came are not those that were announced. */
export class OtherContent extends Error {}

/** Whether the file is there, whole and with this very content. */
export async function isExported(path: string, content: ExportContent): Promise<boolean> {
  const bytes = await readFile(path).catch((error: unknown) => {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return null;
    throw error;
  });
  if (bytes === null || bytes.length !== content.sizeBytes) return false;
  return createHash('sha256').update(bytes).digest('hex') === content.sha256;
}

/** Writes beside its place, then renames: a file is there whole or not at all. Rejects with `OtherContent`. */
export async function exportFile(
  path: string,
  content: ExportContent,
  pieces: AsyncIterable<Uint8Array>,
): Promise<void> {
  await mkdir(dirname(path), { recursive: true });
  const part = `${path}.part`;
  const file = await open(part, 'w');
  try {
    const hash = createHash('sha256');
    for await (const piece of pieces) {
      hash.update(piece);
      await file.write(piece);
    }
    if (hash.digest('hex') !== content.sha256)
      throw new OtherContent('its bytes are not those that were accepted');
    await file.sync();
    await file.close();
    await rename(part, path);
  } catch (error) {
    await file.close().catch(() => undefined);
    await rm(part, { force: true });
    throw error;
  }
}
