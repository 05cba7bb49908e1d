import { access } from 'node:fs/promises';
import { join } from 'node:path';

/** Without one of these faster-whisper would ask the model hub while it loads. */
export const MODEL_FILES = ['model.bin', 'config.json', 'tokenizer.json'] as const;

/** Lies beside the files of an imported model: their sizes and SHA-256, written last. */
export const CHECKSUMS_FILE = 'checksums.json';

/** Models that were copied onto this machine, each in a folder of its name. */
export function modelsFolder(dataDir: string): string {
  return join(dataDir, 'models');
}

/** The name that an imported model may have; it is a folder's name. */
export function isModelName(name: string): boolean {
  return /^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$/.test(name);
}

/** The folder of an imported model, whole; null when there is none of that name, and the engine looks elsewhere. */
export async function importedModel(folder: string, name: string): Promise<string | null> {
  if (!isModelName(name)) return null;
  const path = join(folder, name);
  return await access(join(path, CHECKSUMS_FILE)).then(
    () => path,
    () => null,
  );
}
