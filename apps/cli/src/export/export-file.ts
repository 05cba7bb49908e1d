import { createHash } from 'node:crypto';
import { mkdir, open, readFile, rename, rm } from 'node:fs/promises';
import { dirname } from 'node:path';

/** What a file shall hold: a head made here, then bytes of the library. */
export interface ExportContent {
  readonly head: Uint8Array;
  readonly sizeBytes: number;
  /** Of the library's bytes, hex. */
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
  const { head, sizeBytes, sha256 } = content;
  if (bytes === null || bytes.length !== head.length + sizeBytes) return false;
  if (!bytes.subarray(0, head.length).equals(head)) return false;
  return createHash('sha256').update(bytes.subarray(head.length)).digest('hex') === sha256;
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
    await file.write(content.head);
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
