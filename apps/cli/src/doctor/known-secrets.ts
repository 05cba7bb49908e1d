import { open, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { Settings } from '@podctl/platform/config/settings.ts';
import { credentialFile } from '../up/agent-place.ts';
import { dataFolder } from '../up/data-folder.ts';

const FILE_BYTES_MAX = 256 * 1024;
const FILES_MAX = 200;
const SECRET_MIN = 6;

/** Every secret in the files of this machine that podctl keeps secrets in, for them to be taken out of what is shown. */
export async function knownSecrets(
  settings: Settings | null,
  configFolder: string,
  token: string | null,
): Promise<readonly string[]> {
  const files = [...(await filesIn(join(configFolder, 'contexts'))), ...(await filesOf(settings))];
  const texts = await Promise.all(files.slice(0, FILES_MAX).map(startOf));
  const found = [...texts.flatMap(secretsIn), ...(token === null ? [] : [token])];
  // A long one first: a part of it may be another.
  return [...new Set(found)].sort((a, b) => b.length - a.length);
}

async function filesOf(settings: Settings | null): Promise<readonly string[]> {
  if (settings === null) return [];
  const { nats, run } = dataFolder(settings.dataDir);
  const { authorityFolder, metricsTokenFile } = settings.security;
  const { passwordFile } = settings.nats;
  const { tokenFile } = settings.transcribe.openai;
  return [
    credentialFile(settings),
    ...(await filesIn(authorityFolder)),
    ...(await filesIn(nats)),
    ...(await filesIn(run)),
    ...[metricsTokenFile, passwordFile, tokenFile].filter((path) => path !== null),
  ];
}

async function filesIn(folder: string): Promise<readonly string[]> {
  const entries = await readdir(folder, { withFileTypes: true }).catch(() => []);
  return entries.filter((entry) => entry.isFile()).map(({ name }) => join(folder, name));
}

async function startOf(path: string): Promise<string> {
  try {
    await using file = await open(path, 'r');
    const buffer = Buffer.alloc(FILE_BYTES_MAX);
    const { bytesRead } = await file.read(buffer, 0, buffer.length, 0);
    return buffer.toString('utf8', 0, bytesRead);
  } catch {
    // What cannot be read here cannot get into what is shown either.
    return '';
  }
}

/** Names of JSON fields that hold something to hide, wherever they are. */
const SECRET_NAME = /key|seed|jwt|password|secret|token|creds|operator|account/i;
const PUBLIC_NAME = /file|folder|path|sha256|url|issued|expires/i;

function secretsIn(text: string): readonly string[] {
  const value = parsed(text);
  const leaves = value === undefined ? linesOf(text) : namedLeaves(value, false).flatMap(linesOf);
  return leaves.filter((part) => part.length >= SECRET_MIN && !part.startsWith('-----'));
}

/** The whole, and a key's lines one by one. A file of several lines with words in them is no secret but its parts may be. */
function linesOf(text: string): readonly string[] {
  const whole = text.trim();
  const lines = whole.split(/\r?\n/).map((line) => line.trim());
  return lines.length === 1 ? [whole] : lines.filter((line) => !/[\s{}]/.test(line));
}

function namedLeaves(value: unknown, isSecret: boolean): readonly string[] {
  if (typeof value === 'string') return isSecret ? [value] : [];
  if (typeof value !== 'object' || value === null) return [];
  return Object.entries(value).flatMap(([name, inner]) =>
    namedLeaves(inner, (isSecret || SECRET_NAME.test(name)) && !PUBLIC_NAME.test(name)),
  );
}

function parsed(text: string): unknown {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null ? value : undefined;
  } catch {
    return undefined;
  }
}
