import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { CoordinatorBootstrap } from '@podctl/platform/bootstrap.ts';
import type { S3Place } from '@podctl/platform/config/s3-place.ts';
import { writePrivateFile } from '@podctl/platform/json-file.ts';
import type { DirectAccess, DirectLibrary } from '@podctl/platform/library/direct-access.ts';
import { type FileLibrary, openLibrary } from '@podctl/platform/library/file-library.ts';
import { createLibrary } from '@podctl/platform/library/library-marker.ts';
import { codeOf } from '@podctl/platform/library/synced-folder.ts';
import { type Library, LibraryError } from '@podctl/platform/library.ts';

/** The library that the settings name, opened or made. Rejects with `LibraryError`. */
export async function openLibraryOf({
  settings,
  libraryRoot,
  stateDir,
}: Pick<CoordinatorBootstrap, 'settings' | 'libraryRoot' | 'stateDir'>): Promise<{
  readonly library: Library;
  readonly direct?: DirectAccess;
}> {
  const { s3 } = settings.library;
  if (s3 !== null) return openOrCreateBucket(s3, stateDir);
  return { library: await openOrCreateLibrary(libraryRoot, stateDir) };
}

const ID_FILE = 'library-id';

/**
 * Opens the library, or makes it the first time. Its id is remembered outside of it: an empty folder where a disk should be
 * mounted is then a library that is away, not a new one. Rejects with `LibraryError`: one sentence.
 */
export function openOrCreateLibrary(root: string, stateDir: string): Promise<FileLibrary> {
  return openOrMake(stateDir, {
    open: (expectedId) => openLibrary(root, expectedId),
    make: () => createLibrary(root),
  });
}

/** The same of a bucket. The S3 client is loaded here and nowhere before: most coordinators need none of it. */
async function openOrCreateBucket(place: S3Place, stateDir: string): Promise<DirectLibrary> {
  const { openS3 } = await import('@podctl/platform/library/s3/s3-open.ts');
  const bucket = openS3(place);
  const library = await openOrMake(stateDir, bucket);
  return { library, direct: bucket.directTo(library) };
}

interface Place<T> {
  open(expectedId: string | null): Promise<T>;
  /** Gives the id. */
  make(): Promise<string>;
}

async function openOrMake<T extends { readonly id: string }>(
  stateDir: string,
  { open, make }: Place<T>,
): Promise<T> {
  const path = join(stateDir, ID_FILE);
  const remembered = await readFile(path, 'utf8').then(
    (text) => text.trim(),
    (error: unknown) => {
      if (codeOf(error) === 'ENOENT') return null;
      throw new LibraryError('io', `${path} cannot be read: make it readable, or remove it`, error);
    },
  );
  if (remembered !== null) return open(remembered);
  const library = await open(null).catch(() => createdOrFound({ open, make }));
  await writePrivateFile(path, `${library.id}\n`);
  return library;
}

/** Of several coordinators that start at once, one makes the library and the others find it. */
async function createdOrFound<T>({ open, make }: Place<T>): Promise<T> {
  try {
    return await open(await make());
  } catch (error) {
    return open(null).catch(() => {
      throw error;
    });
  }
}
