import { LibraryError } from '../library.ts';
import { codeOf } from './synced-folder.ts';

/** What the file system says of a path below `root` becomes a `LibraryError`; an abort's reason and our own errors pass. */
export async function libraryIo<T>(root: string, path: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    const code = codeOf(error);
    if (error instanceof LibraryError || code === '') throw error;
    if (code === 'ENOSPC' || code === 'EDQUOT')
      throw new LibraryError('full', `no space is left in ${root}`, error);
    const why = error instanceof Error ? error.message : code;
    throw new LibraryError('io', `${path} in ${root} failed: ${why}`, error);
  }
}
