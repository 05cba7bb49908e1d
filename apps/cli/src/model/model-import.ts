import { randomBytes } from 'node:crypto';
import { constants } from 'node:fs';
import { copyFile, mkdir, open, readdir, rename, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import {
  CHECKSUMS_FILE,
  importedModel,
  MODEL_FILES,
  modelsFolder,
} from '@podctl/platform/model-folder.ts';
import { CommandError, EXIT } from '../command-error.ts';
import { errorCode, whyNotRead } from '../file-error.ts';
import { checksumOf, type FileChecksum } from './checksums.ts';

const FILES_MAX = 64;

/**
 * Copies a model's folder to those of this machine: whole or not at all. Each file is hashed where it came from and where
 * it went. Rejects with CommandError.
 */
export async function importModel(
  source: string,
  name: string,
  dataDir: string,
  told: (file: string) => void,
): Promise<readonly FileChecksum[]> {
  const names = await modelFilesIn(source);
  const folder = modelsFolder(dataDir);
  if ((await importedModel(folder, name)) !== null)
    throw new CommandError(
      EXIT.conflict,
      `there is a model ${name} here already; remove it first ("podctl model remove ${name}"), or choose another --name`,
    );
  const making = join(folder, `.importing-${randomBytes(6).toString('hex')}`);
  await mkdir(making, { recursive: true });
  try {
    const files: FileChecksum[] = [];
    for (const file of names) {
      told(file);
      files.push({ name: file, ...(await copied(join(source, file), join(making, file))) });
    }
    await writeSynced(join(making, CHECKSUMS_FILE), `${JSON.stringify({ files }, null, 2)}\n`);
    // A leftover without checksums is no model: nobody uses it.
    await rm(join(folder, name), { recursive: true, force: true });
    await rename(making, join(folder, name));
    return files;
  } catch (error) {
    await rm(making, { recursive: true, force: true });
    if (errorCode(error) === null) throw error;
    throw new CommandError(
      EXIT.failed,
      `the model could not be copied to ${folder}: ${error instanceof Error ? error.message : String(error)}; mend that and import it again`,
      error,
    );
  }
}

/** The plain files of a folder that holds a model. Rejects with CommandError (usage). */
async function modelFilesIn(source: string): Promise<readonly string[]> {
  const entries = await readdir(source).catch((error: unknown) => {
    const why = whyNotRead(source, error);
    throw new CommandError(EXIT.usage, `${why}; name the folder of a model`, error);
  });
  const files: string[] = [];
  // A hub's cache has links to its files: what they lead to counts.
  for (const name of entries)
    if (name !== CHECKSUMS_FILE && (await stat(join(source, name))).isFile()) files.push(name);
  const missing = MODEL_FILES.find((name) => !files.includes(name));
  if (missing !== undefined)
    throw new CommandError(
      EXIT.usage,
      `${source} has no ${missing}; name a folder with a Whisper model for CTranslate2 (${MODEL_FILES.join(', ')})`,
    );
  if (files.length > FILES_MAX)
    throw new CommandError(
      EXIT.usage,
      `${source} has ${files.length} files; a model has ${FILES_MAX} at most: name the model's own folder`,
    );
  return files.sort();
}

async function copied(from: string, to: string): Promise<Omit<FileChecksum, 'name'>> {
  const wanted = await checksumOf(from);
  await copyFile(from, to, constants.COPYFILE_EXCL);
  const file = await open(to, 'r+');
  try {
    await file.chmod(0o644);
    await file.sync();
  } finally {
    await file.close();
  }
  const found = await checksumOf(to);
  if (found.sha256 === wanted.sha256) return wanted;
  throw new CommandError(
    EXIT.failed,
    `${from} did not arrive as it is: SHA-256 ${found.sha256.slice(0, 12)}… where ${wanted.sha256.slice(0, 12)}… was read; import it again, and look at both disks if it stays so`,
  );
}

async function writeSynced(path: string, text: string): Promise<void> {
  const file = await open(path, 'wx', 0o644);
  try {
    await file.writeFile(text);
    await file.sync();
  } finally {
    await file.close();
  }
}
