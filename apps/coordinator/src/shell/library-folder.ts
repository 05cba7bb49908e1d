import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { writePrivateFile } from '@podctl/platform/json-file.ts';
import { type FileLibrary, openLibrary } from '@podctl/platform/library/file-library.ts';
import { createLibrary } from '@podctl/platform/library/library-marker.ts';
import { codeOf } from '@podctl/platform/library/synced-folder.ts';
import { LibraryError } from '@podctl/platform/library.ts';

const ID_FILE = 'library-id';

/**
 * Opens the library, or makes it the first time. Its id is remembered outside of it: an empty folder where a disk should be
 * mounted is then a library that is away, not a new one. Rejects with `LibraryError`: one sentence.
 */
export async function openOrCreateLibrary(root: string, stateDir: string): Promise<FileLibrary> {
  const path = join(stateDir, ID_FILE);
  const remembered = await readFile(path, 'utf8').then(
    (text) => text.trim(),
    (error: unknown) => {
      if (codeOf(error) === 'ENOENT') return null;
      throw new LibraryError('io', `${path} cannot be read: make it readable, or remove it`, error);
    },
  );
  if (remembered !== null) return openLibrary(root, remembered);
  const library = await openLibrary(root, null).catch(() => createdOrFound(root));
  await writePrivateFile(path, `${library.id}\n`);
  return library;
}

/** Of several coordinators that start at once, one makes the library and the others find it. */
async function createdOrFound(root: string): Promise<FileLibrary> {
  try {
    return await openLibrary(root, await createLibrary(root));
  } catch (error) {
    return openLibrary(root, null).catch(() => {
      throw error;
    });
  }
}
