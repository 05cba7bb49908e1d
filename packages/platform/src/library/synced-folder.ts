import { mkdir, open } from 'node:fs/promises';
import { dirname } from 'node:path';

/** The system's code of an error, such as ENOENT; empty when it has none. */
export function codeOf(error: unknown): string {
  return error instanceof Error && 'code' in error && typeof error.code === 'string'
    ? error.code
    : '';
}

/** Makes the names in a folder durable. Some network file systems cannot, and say EINVAL. */
export async function syncFolder(folder: string): Promise<void> {
  const handle = await open(folder, 'r');
  try {
    await handle.sync();
  } catch (error) {
    if (codeOf(error) !== 'EINVAL') throw error;
  } finally {
    await handle.close();
  }
}

/** Makes a folder and those above it, durably. */
export async function makeFolder(folder: string): Promise<void> {
  const first = await mkdir(folder, { recursive: true });
  if (first === undefined) return;
  const above = dirname(first);
  for (let at = dirname(folder); ; at = dirname(at)) {
    await syncFolder(at);
    if (at === above || at === dirname(at)) return;
  }
}
