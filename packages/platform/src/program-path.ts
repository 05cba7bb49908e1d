import { access, constants, stat } from 'node:fs/promises';
import { delimiter, isAbsolute, join } from 'node:path';

/** Where a program is that may be run: itself when it has a path, else the first in PATH; null: nowhere. */
export async function programPath(program: string, path: string): Promise<string | null> {
  const candidates = program.includes('/')
    ? [program]
    : path
        .split(delimiter)
        .filter(isAbsolute)
        .map((folder) => join(folder, program));
  for (const candidate of candidates) if (await canRun(candidate)) return candidate;
  return null;
}

async function canRun(path: string): Promise<boolean> {
  try {
    await access(path, constants.X_OK);
    return (await stat(path)).isFile();
  } catch {
    return false;
  }
}
