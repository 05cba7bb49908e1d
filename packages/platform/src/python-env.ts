import { createHash } from 'node:crypto';
import {
  access,
  mkdir,
  open,
  readdir,
  readFile,
  realpath,
  rename,
  rm,
  statfs,
} from 'node:fs/promises';
import { join } from 'node:path';
import { type Child, spawnChild } from './child/child-process.ts';
import { acquireFolderLock, FolderLockError } from './folder-lock.ts';
import { codeOf, syncFolder } from './library/synced-folder.ts';
import { pipFailure, readPipLine } from './pip-output.ts';
import { PythonEnvError } from './python-env-error.ts';
import { findPython, PYTHON_NAMES, type PythonInterpreter } from './python-interpreter.ts';

/** A ready environment. */
export interface PythonEnv {
  readonly folder: string;
  readonly python: string;
  /** A program that a package brought, such as `nats-server`. */
  bin(name: string): string;
}

/** `asking`: the registry has not answered yet. */
export type PythonEnvWork = 'creating' | 'asking' | 'fetching' | 'installing';

/** What happens, in order: `waiting` when another process prepares it, `creating`, `fetching` for each package, `installing`, `ready`. */
export type PythonEnvProgress =
  | { readonly kind: 'waiting'; readonly holder: string }
  | { readonly kind: 'creating'; readonly version: string }
  | {
      readonly kind: 'fetching';
      readonly name: string;
      readonly sizeBytes: number;
      readonly cached: boolean;
      /** This one included. */
      readonly packages: number;
      readonly totalBytes: number;
    }
  | { readonly kind: 'installing'; readonly packages: number; readonly totalBytes: number }
  /** Nothing was said for `silentMs`, told once a second: `at` is what goes on meanwhile. */
  | { readonly kind: 'silent'; readonly at: PythonEnvWork; readonly silentMs: number }
  | { readonly kind: 'ready'; readonly tookMs: number };

export interface PythonEnvOptions {
  /** The folder that holds environments. */
  readonly root: string;
  /** Requirements with hashes, complete: nothing that they do not name is installed. */
  readonly requirementsPaths: readonly string[];
  readonly signal: AbortSignal;
  readonly onProgress?: (progress: PythonEnvProgress) => void;
  /** Takes what pip writes. */
  readonly log?: (line: string) => void;
  readonly pythonNames?: readonly string[];
  /** How long the registry may be silent before pip tries again, which it does twice. */
  readonly registryTimeoutS?: number;
}

const WAIT_MS_MAX = 15 * 60_000;
const GRACE_MS = 3_000;
/** Three tries of it: 52 s were seen until a registry that takes requests and never answers was told of. */
const REGISTRY_TIMEOUT_S = 15;
/** What a bare environment takes on disk. */
const VENV_BYTES = 30e6;
const MARK = '.complete';
/** In the root; used under the lock, and gone after each program. */
const TEMPORARY = 'python-tmp';
const TICK_MS = 1_000;

interface Mark {
  readonly requirements: string;
  /** Where the interpreter's link led: another Python under the same name cannot use the packages. */
  readonly interpreter: string;
}

/**
 * The environment for these requirements, made once. An environment cannot be moved, so it is built where it will be:
 * a mark written last says that it is complete, and one without is removed and built anew.
 * Rejects with `PythonEnvError`, one sentence; or with the signal's reason, pip being gone then.
 */
export async function ensurePythonEnv(options: PythonEnvOptions): Promise<PythonEnv> {
  const requirements = await hashOf(options.requirementsPaths);
  const python = await findPython(options.signal, options.pythonNames ?? PYTHON_NAMES);
  const name = createHash('sha256').update(`${requirements} ${python.version}`).digest('hex');
  const folder = join(options.root, `python-${name.slice(0, 12)}`);
  if (await isComplete(folder, requirements)) return environment(folder);
  const startedMs = performance.now();
  const lock = await lockOf(options);
  try {
    if (await isComplete(folder, requirements)) return environment(folder);
    await build(options, python, folder, lock.fd);
    await writeMark(folder, { requirements, interpreter: await realpath(pythonOf(folder)) });
  } catch (error) {
    if (codeOf(error) === 'ENOSPC') throw pipFailure('No space left on device', options.root, null);
    throw error;
  } finally {
    await lock.release();
  }
  options.onProgress?.({ kind: 'ready', tookMs: performance.now() - startedMs });
  return environment(folder);
}

/** The environments that a folder holds. */
export interface FoundPythonEnvs {
  /** Complete and for these requirements; null: there is none. */
  readonly folder: string | null;
  readonly others: number;
}

/** Looks for what `ensurePythonEnv` made, by whatever Python. Makes and runs nothing. */
export async function findPythonEnvs(
  root: string,
  requirementsPaths: readonly string[],
): Promise<FoundPythonEnvs> {
  const requirements = await hashOf(requirementsPaths);
  const names = (await readdir(root).catch((): string[] => [])).filter((name) =>
    /^python-[0-9a-f]{12}$/.test(name),
  );
  for (const name of names) {
    const folder = join(root, name);
    if (await isComplete(folder, requirements)) return { folder, others: names.length - 1 };
  }
  return { folder: null, others: names.length };
}

async function hashOf(requirementsPaths: readonly string[]): Promise<string> {
  const texts = await Promise.all(requirementsPaths.map((path) => readFile(path)));
  return createHash('sha256').update(Buffer.concat(texts)).digest('hex');
}

async function build(
  options: PythonEnvOptions,
  python: PythonInterpreter,
  folder: string,
  lockFd: number,
): Promise<void> {
  const { root, signal, onProgress } = options;
  await rm(folder, { recursive: true, force: true });
  signal.throwIfAborted();
  onProgress?.({ kind: 'creating', version: python.version });
  const making = { command: python.path, args: ['-m', 'venv', folder], lockFd };
  const venv = await run(options, making, () => 'creating');
  if (venv.code !== 0) throw await venvFailure(venv.words, root, python.version);

  let packages = 0;
  let totalBytes = 0;
  const installing = { command: pythonOf(folder), args: pipArguments(options), lockFd };
  const pip = await run(options, installing, (line) => {
    const event = readPipLine(line);
    if (event === null) return 'asking';
    if (event.kind === 'installing') {
      onProgress?.({ ...event, totalBytes });
      return 'installing';
    }
    packages += 1;
    totalBytes += event.sizeBytes;
    const { name, sizeBytes, cached } = event;
    onProgress?.({ kind: 'fetching', name, sizeBytes, cached, packages, totalBytes });
    return 'fetching';
  });
  if (pip.code !== 0) throw pipFailure(pip.words, root, pip.code);
}

/** `--no-deps`: the lock is complete. `--no-compile`: compiling took 5 s of 16, and saved 0.05 s of the first import. */
function pipArguments(options: PythonEnvOptions): readonly string[] {
  const files = options.requirementsPaths.flatMap((path) => ['-r', path]);
  const how = '--require-hashes --no-deps --only-binary=:all: --no-compile --no-input';
  const show = '--disable-pip-version-check --progress-bar off --retries 2';
  const timeout = ['--timeout', String(options.registryTimeoutS ?? REGISTRY_TIMEOUT_S)];
  return ['-m', 'pip', 'install', ...how.split(' '), ...show.split(' '), ...timeout, ...files];
}

interface Run {
  readonly code: number | null;
  /** The end of stderr, and of stdout, where venv writes its errors. */
  readonly words: string;
}

interface Program {
  readonly command: string;
  readonly args: readonly string[];
  readonly lockFd: number;
}

/** Runs it to its end. `onLine` takes each line of its stdout, and says what goes on from there; '' at the start. */
async function run(
  options: PythonEnvOptions,
  program: Program,
  onLine: (line: string) => PythonEnvWork,
): Promise<Run> {
  const { root, signal, log = () => {} } = options;
  const temporary = join(root, TEMPORARY);
  await rm(temporary, { recursive: true, force: true });
  await mkdir(temporary, { recursive: true });
  const child = await spawnChild({
    ...program,
    name: 'python',
    tie: 'shell',
    env: cleanEnvironment(temporary),
    stdout: 'lines',
    log,
  });
  const abort = () => void child.stop({ graceMs: GRACE_MS });
  signal.addEventListener('abort', abort, { once: true });
  if (signal.aborted) abort();
  try {
    const said = await readLines(child, options, onLine);
    const exit = await child.exited;
    signal.throwIfAborted();
    return { code: exit.code, words: `${said}\n${exit.stderrTail}` };
  } finally {
    signal.removeEventListener('abort', abort);
    await child.stop({ graceMs: GRACE_MS });
    await rm(temporary, { recursive: true, force: true });
  }
}

async function readLines(
  child: Child,
  { log, onProgress }: PythonEnvOptions,
  onLine: (line: string) => PythonEnvWork,
): Promise<string> {
  let said = '';
  let at = onLine('');
  let silentMs = 0;
  const tick = setInterval(() => {
    silentMs += TICK_MS;
    onProgress?.({ kind: 'silent', at, silentMs });
  }, TICK_MS);
  try {
    for await (const line of child.lines) {
      if (line.kind !== 'line') continue;
      log?.(line.text);
      at = onLine(line.text);
      silentMs = 0;
      tick.refresh();
      said = `${said}\n${line.text}`.slice(-2_000);
    }
  } finally {
    clearInterval(tick);
  }
  return said;
}

/**
 * What the user set for another project must not change where and how this one is made. Their registry and proxy stay.
 * Packages are unpacked in `temporary`, on the disk that they are for: the machine's own folder may be small.
 */
function cleanEnvironment(temporary: string): NodeJS.ProcessEnv {
  const env = {
    ...process.env,
    PYTHONUNBUFFERED: '1',
    PYTHONNOUSERSITE: '1',
    TMPDIR: temporary,
  };
  const others = [
    'PYTHONPATH',
    'PYTHONHOME',
    'VIRTUAL_ENV',
    'PIP_TARGET',
    'PIP_PREFIX',
    'PIP_USER',
    'PIP_REQUIREMENT',
    'PIP_CONSTRAINT',
    'PIP_NO_BINARY',
    'PIP_QUIET',
  ];
  for (const name of others) delete env[name as keyof typeof env];
  return env;
}

async function venvFailure(words: string, root: string, version: string): Promise<PythonEnvError> {
  // venv runs ensurepip and keeps its words for itself: ask the disk.
  const { bavail, bsize } = await statfs(root);
  if (bavail * bsize < VENV_BYTES) return pipFailure('No space left on device', root, null);
  if (!/ensurepip is not\s+available|No module named/i.test(words))
    return pipFailure(words, root, null);
  return new PythonEnvError(
    'no_venv',
    `Python ${version} cannot make environments; install the package python3-venv (Debian: apt install python3-venv), then run this again`,
  );
}

async function lockOf(options: PythonEnvOptions) {
  try {
    return await acquireFolderLock(join(options.root, 'python-lock'), {
      waitMs: WAIT_MS_MAX,
      signal: options.signal,
      onWait: (holder) => options.onProgress?.({ kind: 'waiting', holder }),
    });
  } catch (error) {
    if (!(error instanceof FolderLockError)) throw error;
    if (error.code !== 'taken') throw new PythonEnvError('failed', error.message, error);
    throw new PythonEnvError(
      'busy',
      `another podctl has been preparing Python in ${options.root} for ${WAIT_MS_MAX / 60_000} minutes; stop it, then run this again`,
      error,
    );
  }
}

async function isComplete(folder: string, requirements: string): Promise<boolean> {
  try {
    const mark = JSON.parse(await readFile(join(folder, MARK), 'utf8')) as Partial<Mark>;
    await access(pythonOf(folder));
    const interpreter = await realpath(pythonOf(folder));
    return mark.requirements === requirements && mark.interpreter === interpreter;
  } catch {
    return false;
  }
}

async function writeMark(folder: string, mark: Mark): Promise<void> {
  await mkdir(folder, { recursive: true });
  const file = await open(join(folder, `${MARK}.new`), 'w');
  try {
    await file.writeFile(`${JSON.stringify(mark)}\n`);
    await file.sync();
  } finally {
    await file.close();
  }
  await rename(join(folder, `${MARK}.new`), join(folder, MARK));
  await syncFolder(folder);
}

function environment(folder: string): PythonEnv {
  return { folder, python: pythonOf(folder), bin: (name) => join(folder, 'bin', name) };
}

function pythonOf(folder: string): string {
  return join(folder, 'bin', 'python');
}
