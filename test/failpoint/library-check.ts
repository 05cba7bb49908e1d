import { createHash } from 'node:crypto';
import { readdir, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { EpisodeState } from '@podctl/domain/episode-state.ts';
import { parseStateKey } from '@podctl/domain/key.ts';
import { acceptedFolder } from '@podctl/domain/library-path.ts';
import { decodeManifest, MANIFEST_NAME } from '@podctl/domain/manifest.ts';
import { STAGES } from '@podctl/domain/stage.ts';

interface Episode {
  readonly key: string;
  readonly state: EpisodeState;
}

/** What is wrong with the files of finished episodes, one sentence each; every file is read and hashed as it lies there. */
export async function wrongFiles(root: string, episodes: readonly Episode[]): Promise<string[]> {
  const found: string[] = [];
  for (const { key, state } of episodes) {
    const name = parseStateKey(key);
    if (name.kind !== 'job') continue;
    const { feed, episode } = name;
    for (const stage of STAGES) {
      const { done } = state.stages[stage];
      if (done === null) continue;
      const folder = acceptedFolder(feed, episode, stage, done.run, done.token);
      found.push(...(await wrongAttempt(root, folder, done.manifest.sha256)));
    }
  }
  return found;
}

async function wrongAttempt(root: string, folder: string, expected: string): Promise<string[]> {
  const text = await bytesOf(join(root, folder, MANIFEST_NAME));
  if (sha256(text) !== expected) return [`${folder} has another manifest than was accepted`];
  const manifest = decodeManifest(text.toString());
  if (!manifest.ok) return [`${folder}: ${manifest.error}`];
  const found: string[] = [];
  for (const file of manifest.value.files) {
    const bytes = await bytesOf(join(root, folder, file.name));
    if (bytes.length !== file.sizeBytes || sha256(bytes) !== file.sha256)
      found.push(`${folder}/${file.name} is not the file that was accepted`);
  }
  return found;
}

/** Files that are not whole, or of no accepted attempt, where readers look: everywhere but in staging. */
export async function strayFiles(root: string): Promise<string[]> {
  const accepted = new Set<string>();
  const stray: string[] = [];
  for (const path of await filesBelow(root, 'episodes')) {
    if (path.includes('.part-')) stray.push(`${path} is not whole`);
    accepted.add(await identity(join(root, path)));
  }
  for (const path of await filesBelow(root, 'podcasts'))
    if (!accepted.has(await identity(join(root, path))))
      stray.push(`${path} shows no accepted file`);
  return stray;
}

async function filesBelow(root: string, folder: string): Promise<string[]> {
  const entries = await readdir(join(root, folder), { recursive: true, withFileTypes: true }).catch(
    () => [],
  );
  return entries
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name).slice(root.length + 1));
}

/** Names of one file have one identity. */
async function identity(path: string): Promise<string> {
  const { dev, ino } = await stat(path);
  return `${dev}:${ino}`;
}

async function bytesOf(path: string): Promise<Buffer> {
  return readFile(path).catch(() => Buffer.from('it is not there'));
}

function sha256(bytes: Buffer): string {
  return createHash('sha256').update(bytes).digest('hex');
}
