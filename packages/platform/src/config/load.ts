import { access, open } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import { parse as parseToml } from 'smol-toml';
import { parseDocument } from 'yaml';
import type { z } from 'zod';
import { settingNames } from './documentation.ts';
import { type RawSettings, settingsSchema } from './schema.ts';
import { resolveSettings, type Settings, type SettingsPlace } from './settings.ts';
import { nearest, SettingsError, shown } from './settings-error.ts';

const FILE_NAMES = ['podctl.yaml', 'podctl.yml', 'podctl.toml'];
const FILE_BYTES_MAX = 256 * 1024;

export type Tree = { readonly [key: string]: unknown };

export interface LoadOptions extends Omit<SettingsPlace, 'baseFolder'> {
  /** Null: defaults only. */
  readonly file: string | null;
  /** What the command line says, in the file's own words; it wins over the file. Its `dataDir` must be absolute. */
  readonly overrides?: Tree;
}

/** The settings file of a folder; null when there is none. Rejects with `SettingsError` when there are two. */
export async function findSettingsFile(folder: string): Promise<string | null> {
  const there: string[] = [];
  for (const name of FILE_NAMES) {
    const path = join(folder, name);
    const found = await access(path).then(
      () => true,
      () => false,
    );
    if (found) there.push(path);
  }
  if (there.length > 1)
    throw new SettingsError(`there are both ${there.join(' and ')}; keep one of them`);
  return there[0] ?? null;
}

/** Reads, checks and resolves. Rejects with `SettingsError`: one sentence. */
export async function loadSettings(options: LoadOptions): Promise<Settings> {
  const { file } = options;
  const tree = await settingsTree(file);
  const raw = checkSettings(
    file === null ? 'the settings' : basename(file),
    merge(tree, options.overrides ?? {}),
  );
  const baseFolder = file === null ? process.cwd() : dirname(resolve(file));
  return resolveSettings(raw, { ...options, baseFolder });
}

/** What a settings file holds, not yet checked. Rejects with `SettingsError`. @param file null: none. */
export async function settingsTree(file: string | null): Promise<Tree> {
  return file === null ? {} : parseSettings(basename(file), await readText(file));
}

/** Checks what a file holds. `name` begins the sentence of the error. Throws `SettingsError`. */
export function checkSettings(name: string, tree: unknown): RawSettings {
  const checked = settingsSchema.safeParse(tree);
  if (!checked.success) {
    const issue = checked.error.issues[0];
    throw new SettingsError(`${name}: ${issue ? sentence(issue, tree) : 'it cannot be read'}`);
  }
  const wrong = disagreement(checked.data, tree);
  if (wrong !== null) throw new SettingsError(`${name}: ${wrong}`);
  return checked.data;
}

async function readText(path: string): Promise<string> {
  try {
    const file = await open(path, 'r');
    try {
      const { size } = await file.stat();
      if (size > FILE_BYTES_MAX)
        throw new SettingsError(`${path} has ${size} bytes; expected at most ${FILE_BYTES_MAX}`);
      return await file.readFile('utf8');
    } finally {
      await file.close();
    }
  } catch (error) {
    if (error instanceof SettingsError) throw error;
    const why = error instanceof Error ? error.message : String(error);
    throw new SettingsError(`the settings file ${path} cannot be read: ${why}`, error);
  }
}

function parseSettings(name: string, text: string): Tree {
  const [language, parse] = name.endsWith('.toml')
    ? (['TOML', parseToml] as const)
    : (['YAML', parseYaml] as const);
  let value: unknown;
  try {
    value = parse(text) ?? {};
  } catch (error) {
    const why = error instanceof Error ? (error.message.split('\n')[0] ?? '') : String(error);
    throw new SettingsError(`${name} is not ${language}: ${why.replace(/[\s:.]+$/, '')}`, error);
  }
  if (isTree(value)) return value;
  throw new SettingsError(`${name} is ${shown(value)}; expected sections, such as "agent:"`);
}

function parseYaml(text: string): unknown {
  const document = parseDocument(text);
  const [error] = document.errors;
  if (error !== undefined) throw error;
  return document.toJS({ maxAliasCount: 100 });
}

function sentence(issue: z.core.$ZodIssue, tree: unknown): string {
  const path = issue.path.map(String);
  const key = path.join('.');
  if (issue.code === 'unrecognized_keys') return unknownKey(path, issue.keys[0] ?? '');
  const value = shown(valueAt(tree, path));
  if (issue.code !== 'invalid_type') return `${key} is ${value}; expected ${issue.message}`;
  const inside = settingNames().filter((name) => name.startsWith(`${key}.`));
  return `${key} is ${value}; expected a section with ${inside.join(', ')}`;
}

function unknownKey(path: readonly string[], name: string): string {
  const key = [...path, name].join('.');
  const meant = nearest(key, namesAndSections()) ?? misplaced(name);
  const advice = meant === null ? 'docs/configuration.md lists them all' : `did you mean ${meant}?`;
  return `${shown(key)} is not a setting; ${advice}`;
}

/** A name that stands in the wrong section. */
function misplaced(name: string): string | null {
  const there = settingNames().filter((full) => full.endsWith(`.${name}`));
  return there.length === 1 ? (there[0] ?? null) : null;
}

function namesAndSections(): readonly string[] {
  const names = settingNames();
  const sections = names.flatMap((name) => {
    const parts = name.split('.');
    return parts.slice(1).map((_, i) => parts.slice(0, i + 1).join('.'));
  });
  return [...new Set([...names, ...sections])];
}

/** What no single setting can tell: settings that do not go together. */
function disagreement(raw: RawSettings, tree: unknown): string | null {
  const is = (key: string) => {
    const value = valueAt(tree, key.split('.'));
    return value === undefined ? `${key} is left at its default` : `${key} is ${shown(value)}`;
  };
  if (raw.sessions.lostAfter < 3 * raw.sessions.heartbeat)
    return `${is('sessions.lostAfter')}; expected at least three times sessions.heartbeat`;
  if (raw.retry.backoffMax < raw.retry.backoffFirst)
    return `${is('retry.backoffMax')}; expected at least retry.backoffFirst`;
  if (raw.downloads.timeout < raw.downloads.idleTimeout)
    return `${is('downloads.timeout')}; expected at least downloads.idleTimeout`;
  if ((raw.nats.user === null) !== (raw.nats.passwordFile === null))
    return `${is('nats.passwordFile')}; expected nats.user and nats.passwordFile together, or neither`;
  if (raw.agent.engine === 'command' && raw.transcribe.command === null)
    return 'agent.engine is "command"; expected transcribe.command with a program and its arguments';
  if (raw.agent.engine === 'openai' && raw.transcribe.openai.url === null)
    return 'agent.engine is "openai"; expected transcribe.openai.url with the address of a server';
  return null;
}

/** Undefined where the tree has nothing at that path. */
export function valueAt(tree: unknown, path: readonly string[]): unknown {
  let value = tree;
  for (const key of path) value = isTree(value) ? value[key] : undefined;
  return value;
}

function merge(under: Tree, over: Tree): Tree {
  const merged: Record<string, unknown> = { ...under };
  for (const [key, value] of Object.entries(over)) {
    const below = merged[key];
    merged[key] = isTree(value) && isTree(below) ? merge(below, value) : value;
  }
  return merged;
}

function isTree(value: unknown): value is Tree {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
