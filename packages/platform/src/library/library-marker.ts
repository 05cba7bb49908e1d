import { randomBytes } from 'node:crypto';
import { link, mkdir, open, readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { base32 } from '@podctl/domain/ids.ts';
import { LibraryError } from '../library.ts';
import { codeOf, syncFolder } from './synced-folder.ts';

/** The file whose presence says that the library is there, and not an empty mount point. */
export const MARKER_NAME = 'library.json';
const MARKER_BYTES_MAX = 4_096;

interface Marker {
  readonly version: 1;
  readonly id: string;
  /** ISO 8601. */
  readonly createdAt: string;
}

/** Makes a library in a new or empty folder and gives its id. Rejects with `LibraryError` `refused` where something lies there. */
export async function createLibrary(root: string): Promise<string> {
  const id = base32(randomBytes(10));
  try {
    await mkdir(root, { recursive: true });
    const names = await readdir(root);
    // A crash during this very function, and a disk of its own, leave these.
    const other = names.find((name) => name !== 'lost+found' && !name.startsWith('.library.json.'));
    if (other === MARKER_NAME)
      throw new LibraryError('refused', `${root} holds a library already; open it instead`);
    if (other !== undefined)
      throw new LibraryError(
        'refused',
        `${root} is not empty (it holds ${other}); name an empty folder for a new library`,
      );
    await writeMarker(root, encodeMarker(id), id);
    return id;
  } catch (error) {
    if (error instanceof LibraryError) throw error;
    throw new LibraryError('io', `no library could be made in ${root}: ${words(error)}`, error);
  }
}

/** The id in the marker. Rejects with `LibraryError` `offline` when it cannot be read or is not one of ours. */
export async function readMarker(root: string): Promise<string> {
  const text = await markerText(root);
  const id = decodeMarker(text);
  if (id === null)
    throw new LibraryError(
      'offline',
      `${join(root, MARKER_NAME)} is not the marker of a library of version 1`,
    );
  return id;
}

async function markerText(root: string): Promise<string> {
  try {
    const file = await open(join(root, MARKER_NAME), 'r');
    try {
      const { buffer, bytesRead } = await file.read(Buffer.alloc(MARKER_BYTES_MAX), 0);
      return buffer.subarray(0, bytesRead).toString('utf8');
    } finally {
      await file.close();
    }
  } catch (error) {
    const why =
      codeOf(error) === 'ENOENT'
        ? `${root} has no marker file ${MARKER_NAME}: is its disk mounted?`
        : `the marker file of ${root} cannot be read: ${words(error)}`;
    throw new LibraryError('offline', why, error);
  }
}

/** What a new library's marker says. */
export function encodeMarker(id: string): string {
  const marker: Marker = { version: 1, id, createdAt: new Date().toISOString() };
  return `${JSON.stringify(marker)}\n`;
}

/** The id that a marker names; null when it is none of version 1. */
export function decodeMarker(text: string): string | null {
  try {
    const { version, id, createdAt } = JSON.parse(text) as Record<string, unknown>;
    const good = version === 1 && typeof id === 'string' && /^[a-z2-7]{16}$/.test(id);
    return good && typeof createdAt === 'string' ? id : null;
  } catch {
    return null;
  }
}

/** A link, unlike a rename, fails where another process was first. */
async function writeMarker(root: string, text: string, id: string): Promise<void> {
  const temporary = join(root, `.library.json.${id}`);
  try {
    const file = await open(temporary, 'wx');
    try {
      await file.writeFile(text);
      await file.sync();
    } finally {
      await file.close();
    }
    await link(temporary, join(root, MARKER_NAME)).catch(async (error) => {
      if (codeOf(error) === 'EEXIST') throw error;
      // A file system without links: made anew, or not at all.
      const marker = await open(join(root, MARKER_NAME), 'wx');
      await marker.writeFile(text);
      await marker.sync();
      await marker.close();
    });
  } finally {
    await rm(temporary, { force: true });
  }
  await syncFolder(root);
}

function words(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
