import { realpath } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { LibraryError } from '../library.ts';
import { codeOf } from './synced-folder.ts';

/** The parts of a library path. Throws `LibraryError` `refused` for one that is absolute, climbs, or is not plain. */
export function partsOf(path: string): readonly string[] {
  const parts = path.split('/');
  const good = (part: string) =>
    part !== '' &&
    part !== '.' &&
    part !== '..' &&
    !part.includes('\0') &&
    Buffer.byteLength(part) <= 255;
  if (path.length > 4_096 || !parts.every(good))
    throw new LibraryError(
      'refused',
      `${JSON.stringify(path.slice(0, 200))} is not a library path`,
    );
  return parts;
}

/** The parts of a path with something below `staging/`. Throws `LibraryError` `refused` for every other. */
export function stagingPartsOf(path: string): readonly string[] {
  const parts = partsOf(path);
  if (parts[0] === 'staging' && parts.length > 1) return parts;
  throw new LibraryError('refused', `${path} is not below staging/: nothing is removed there`);
}

/** Throws `LibraryError` `refused` for a path of which no single file may be removed. */
export function checkRemovable(path: string): void {
  const parts = partsOf(path);
  const isKept = parts[0] !== 'episodes' && parts[0] !== 'podcasts';
  if (isKept || parts.length < 3)
    throw new LibraryError('refused', `${path} is no file below episodes/ or podcasts/`);
}

/** Throws `LibraryError` `refused` for a folder that is not below `episodes/` or `podcasts/`. */
export function checkEmptiable(folder: string): void {
  checkRemovable(`${folder}/x`);
}

/**
 * Where a library path is on disk. `root` has no links in it (realpath). Rejects with `LibraryError` `refused`
 * when a symbolic link lies on the way: it could lead out of the library.
 */
export async function placeOf(root: string, path: string): Promise<string> {
  const place = join(root, ...partsOf(path));
  for (let folder = dirname(place); folder.length > root.length; folder = dirname(folder)) {
    const real = await realpath(folder).catch((error) => {
      if (codeOf(error) === 'ENOENT' || codeOf(error) === 'ENOTDIR') return null;
      throw error;
    });
    if (real === null) continue;
    if (real === folder) return place;
    throw new LibraryError('refused', `a symbolic link is on the way to ${path}`);
  }
  return place;
}
