import type { Dirent } from 'node:fs';
import { lstat, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { ListedFile } from '../library.ts';
import { codeOf } from './synced-folder.ts';

/**
 * Files below a folder, any depth, at most `limit`, in order of path (by UTF-16 code units), those after the path `after`.
 * Links are passed over.
 */
export async function listFiles(
  place: string,
  path: string,
  limit: number,
  after: string,
): Promise<readonly ListedFile[]> {
  const found: ListedFile[] = [];
  for await (const file of walk(place, path, after)) {
    if (found.length >= limit) break;
    found.push(file);
  }
  return found;
}

async function* walk(place: string, path: string, after: string): AsyncGenerator<ListedFile> {
  const entries = await readdir(place, { withFileTypes: true }).catch(gone);
  // In whole paths a folder's name is followed by `/`, which sorts after `-` and `.`.
  const sortable = (entry: Dirent) => (entry.isDirectory() ? `${entry.name}/` : entry.name);
  entries?.sort((a, b) => (sortable(a) < sortable(b) ? -1 : 1));
  for (const entry of entries ?? []) {
    const at = join(place, entry.name);
    const name = `${path}/${entry.name}`;
    if (entry.isDirectory() && mayHold(`${name}/`, after)) yield* walk(at, name, after);
    if (!entry.isFile() || name <= after) continue;
    const stat = await lstat(at).catch(gone);
    if (stat === null) continue;
    yield {
      path: name,
      sizeBytes: stat.size,
      modifiedMs: Math.floor(stat.mtimeMs),
    };
  }
}

/** Whether a folder, named with its `/`, may hold paths after `after`. */
function mayHold(folder: string, after: string): boolean {
  return folder > after || after.startsWith(folder);
}

/** A folder or file may go while it is listed. */
function gone(error: unknown): null {
  if (codeOf(error) === 'ENOENT' || codeOf(error) === 'ENOTDIR') return null;
  throw error;
}
