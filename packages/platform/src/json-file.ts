import { mkdir, open, readFile, rename } from 'node:fs/promises';
import { dirname } from 'node:path';

/** Writes JSON that only this user may read, at once or not at all. */
export async function writeJsonFile(path: string, value: unknown): Promise<void> {
  await writePrivateFile(path, `${JSON.stringify(value, null, 2)}\n`);
}

/** Writes text that only this user may read, at once or not at all. */
export async function writePrivateFile(path: string, text: string): Promise<void> {
  await writeAtOnce(path, text, 0o600);
}

/** Writes text that everybody who reaches it may read, at once or not at all. */
export async function writePublicFile(path: string, text: string): Promise<void> {
  await writeAtOnce(path, text, 0o644);
}

async function writeAtOnce(path: string, text: string, mode: number): Promise<void> {
  await mkdir(dirname(path), { recursive: true, mode: 0o700 });
  const part = `${path}.part`;
  const file = await open(part, 'w', mode);
  try {
    await file.writeFile(text);
    await file.sync();
  } finally {
    await file.close();
  }
  await rename(part, path);
}

/** The object in the file; null when the file is absent or holds something else. */
export async function readJsonFile(
  path: string,
): Promise<{ readonly [key: string]: unknown } | null> {
  try {
    const value: unknown = JSON.parse(await readFile(path, 'utf8'));
    return typeof value === 'object' && value !== null
      ? (value as { readonly [key: string]: unknown })
      : null;
  } catch {
    return null;
  }
}
