import { execFile } from 'node:child_process';
import { access, mkdir, mkdtemp, readdir, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

const run = promisify(execFile);
const CACHE =
  process.env.PODCTL_PYTHON_ROOT ?? fileURLToPath(new URL('../../.podctl', import.meta.url));
const UPDATE_MS_MAX = 120_000;
const DOWNLOAD_MS_MAX = 120_000;
const UNPACK_MS_MAX = 60_000;
/** Only the one program of the package, which holds a server beside it. */
const UNPACK = 'dpkg-deb --fsys-tarfile "$1" | tar -x -C "$2" ./usr/bin/promtool';

export type Promtool =
  | { readonly kind: 'here'; readonly path: string }
  | { readonly kind: 'absent'; readonly why: string };

/**
 * The promtool that PODCTL_TEST_PROMTOOL names, the one on PATH, or the one of Debian's `prometheus` package, fetched once
 * (19 MB) into the tests' cache without installing anything: neither root nor the machine's package lists are needed.
 */
export async function findPromtool(tell: (line: string) => void): Promise<Promtool> {
  const named = process.env.PODCTL_TEST_PROMTOOL;
  if (named !== undefined && named !== '') return { kind: 'here', path: named };
  const isOnPath = await run('promtool', ['--version']).then(
    () => true,
    () => false,
  );
  if (isOnPath) return { kind: 'here', path: 'promtool' };
  const kept = join(CACHE, 'promtool');
  try {
    await access(kept);
  } catch {
    try {
      tell('fetching promtool from the package "prometheus" (19 MB, once)');
      await fetchTo(kept);
    } catch (error) {
      const why = error instanceof Error ? (error.message.split('\n')[0] ?? '') : String(error);
      return { kind: 'absent', why };
    }
  }
  return { kind: 'here', path: kept };
}

async function fetchTo(path: string): Promise<void> {
  await mkdir(CACHE, { recursive: true });
  const folder = await mkdtemp(join(CACHE, 'promtool-fetch-'));
  try {
    const download = (options: readonly string[]) =>
      run('apt-get', [...options, 'download', 'prometheus'], {
        cwd: folder,
        timeout: DOWNLOAD_MS_MAX,
      });
    // A fresh container has no package lists: then they are read into this folder.
    await download([]).catch(async () => download(await ownLists(folder)));
    const archive = (await readdir(folder)).find((name) => name.endsWith('.deb')) ?? '';
    await run('sh', ['-c', UNPACK, 'sh', join(folder, archive), folder], {
      timeout: UNPACK_MS_MAX,
    });
    await rename(join(folder, 'usr/bin/promtool'), path);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** Reads the package lists into a folder; resolves to the options that use it. */
async function ownLists(folder: string): Promise<string[]> {
  const lists = join(folder, 'lists');
  const cache = join(folder, 'cache');
  await mkdir(join(lists, 'partial'), { recursive: true });
  await mkdir(join(cache, 'archives', 'partial'), { recursive: true });
  const options = ['-o', `Dir::State::Lists=${lists}`, '-o', `Dir::Cache=${cache}`];
  await run('apt-get', [...options, 'update'], { timeout: UPDATE_MS_MAX });
  return options;
}
