import { mkdir, open, readdir, readFile, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { ResultMessage } from '@podctl/domain/protocol.ts';
import type { Logger } from '@podctl/platform/logger.ts';
import { resultMessage } from '@podctl/platform/wire.ts';
import { tokenKey } from '../core/token-key.ts';

const TEMPORARY = '.tmp';
const BROKEN = '.broken';

/** Results that survive the agent's death until they are settled. */
export interface ResultJournal {
  /** What earlier lives left, in order of name. */
  open(): Promise<readonly ResultMessage[]>;
  /** Resolves when it would survive a power cut. */
  put(result: ResultMessage): Promise<void>;
  /** Does nothing when it is not there. */
  remove(key: string): Promise<void>;
}

/**
 * Results on the agent's disk until they are settled: one file a token, whole or not there at all, so that a result
 * survives the agent's death at any step. One process at a time.
 */
export class Journal implements ResultJournal {
  readonly #folder: string;
  readonly #log: Logger;

  constructor(folder: string, log: Logger) {
    this.#folder = folder;
    this.#log = log;
  }

  /** Makes the folder, drops what a crash left half written, and reads the rest in order of name. */
  async open(): Promise<readonly ResultMessage[]> {
    await mkdir(this.#folder, { recursive: true });
    const results: ResultMessage[] = [];
    for (const name of (await readdir(this.#folder)).sort()) {
      if (name.endsWith(TEMPORARY)) await rm(join(this.#folder, name));
      if (!name.endsWith('.json')) continue;
      const result = await this.#read(name);
      if (result !== null) results.push(result);
    }
    return results;
  }

  /** Resolves when it would survive a power cut. */
  async put(result: ResultMessage): Promise<void> {
    const encoded = resultMessage.encode(result);
    if (!encoded.ok) throw new Error(encoded.error);
    const target = this.#path(tokenKey(result.cluster, result.job));
    const temporary = `${target}${TEMPORARY}`;
    await writeSynced(temporary, encoded.value);
    await rename(temporary, target);
    await syncFolder(this.#folder);
  }

  /** Does nothing when it is not there. */
  async remove(key: string): Promise<void> {
    await rm(this.#path(key), { force: true });
  }

  async #read(name: string): Promise<ResultMessage | null> {
    const path = join(this.#folder, name);
    const decoded = resultMessage.decode(await readFile(path));
    if (decoded.ok) return decoded.value;
    this.#log.error(
      { file: path },
      `A result in the journal cannot be read and is set aside: ${decoded.error}`,
    );
    await rename(path, `${path}${BROKEN}`);
    return null;
  }

  #path(key: string): string {
    return join(this.#folder, `${key}.json`);
  }
}

async function writeSynced(path: string, data: Uint8Array): Promise<void> {
  const file = await open(path, 'w', 0o600);
  try {
    await file.writeFile(data);
    await file.sync();
  } finally {
    await file.close();
  }
}

async function syncFolder(path: string): Promise<void> {
  const folder = await open(path, 'r');
  try {
    await folder.sync();
  } finally {
    await folder.close();
  }
}
