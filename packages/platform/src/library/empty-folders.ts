import { readdir, rmdir } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { codeOf, syncFolder } from './synced-folder.ts';

/** Another may put a file into it meanwhile, or remove it: then it is not ours to remove any more. */
const NOT_EMPTY = ['ENOTEMPTY', 'EEXIST', 'ENOENT', 'ENOTDIR'];

/** Removes the folders below a place that hold no file, however deep, and itself when it is one. Links are not followed. */
export async function removeEmptyFolders(place: string): Promise<void> {
  if (await emptied(place)) await syncFolder(dirname(place)).catch(unlessGone);
}

async function emptied(place: string): Promise<boolean> {
  const entries = await readdir(place, { withFileTypes: true }).catch(unlessGone);
  for (const entry of entries ?? [])
    if (entry.isDirectory()) await emptied(join(place, entry.name));
  return rmdir(place).then(
    () => true,
    (error: unknown) => {
      unlessGone(error);
      return false;
    },
  );
}

function unlessGone(error: unknown): null {
  if (NOT_EMPTY.includes(codeOf(error))) return null;
  throw error;
}
