import { mkdir, readFile, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type FileLibrary, openLibrary } from '@podctl/platform/library/file-library.ts';
import { createLibrary } from '@podctl/platform/library/library-marker.ts';

const ID_FILE = 'library-id';

/**
 * Opens the library, or makes it the first time. Its id is remembered outside of it: an empty folder where a disk should be
 * mounted is then a library that is away, not a new one. Rejects with `LibraryError`: one sentence.
 */
export async function openOrCreateLibrary(root: string, stateDir: string): Promise<FileLibrary> {
  const path = join(stateDir, ID_FILE);
  const remembered = await readFile(path, 'utf8').then(
    (text) => text.trim(),
    () => null,
  );
  if (remembered !== null) return openLibrary(root, remembered);
  const library = await openLibrary(root, null).catch(async () =>
    openLibrary(root, await createLibrary(root)),
  );
  await mkdir(stateDir, { recursive: true, mode: 0o700 });
  await writeFile(`${path}.part`, `${library.id}\n`);
  await rename(`${path}.part`, path);
  return library;
}
