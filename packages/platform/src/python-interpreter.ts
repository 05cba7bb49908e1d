import { spawnChild } from './child/child-process.ts';
import { PythonEnvError } from './python-env-error.ts';

/** A Python that can make environments. */
export interface PythonInterpreter {
  /** Absolute. */
  readonly path: string;
  /** `3.11`. */
  readonly version: string;
}

type Probe =
  | { readonly kind: 'absent' }
  /** It did not answer in time. */
  | { readonly kind: 'hung'; readonly name: string }
  | { readonly kind: 'old'; readonly version: string }
  | { readonly kind: 'lacking'; readonly version: string; readonly modules: readonly string[] }
  | { readonly kind: 'good'; readonly python: PythonInterpreter };

/** The newest one that has wheels of everything; a newer Python is taken when there is no other. */
const MINOR_MIN = 10;
const MINOR_MAX = 13;
const PROBE_MS_MAX = 10_000;
export const PYTHON_NAMES: readonly string[] = [
  'python3',
  'python3.13',
  'python3.12',
  'python3.11',
  'python3.10',
  '/usr/bin/python3',
];

const PROBE = `
import sys, importlib
missing = []
for name in ("venv", "ensurepip", "ssl"):
    try: importlib.import_module(name)
    except ImportError: missing.append(name)
print("%d.%d" % sys.version_info[:2], ",".join(missing) or "-", sys.executable)
`;

/** Rejects with `PythonEnvError` `no_python` or `no_venv`, saying what to install. */
export async function findPython(
  signal: AbortSignal,
  names: readonly string[] = PYTHON_NAMES,
  probeMsMax: number = PROBE_MS_MAX,
): Promise<PythonInterpreter> {
  const probes: Probe[] = [];
  for (const name of names) {
    const found = await probe(name, signal, probeMsMax);
    if (found.kind === 'good' && minorOf(found.python.version) <= MINOR_MAX) return found.python;
    probes.push(found);
  }
  const newer = probes.find((found) => found.kind === 'good');
  if (newer?.kind === 'good') return newer.python;
  const lacking = probes.find((found) => found.kind === 'lacking');
  if (lacking?.kind === 'lacking')
    throw new PythonEnvError(
      'no_venv',
      `Python ${lacking.version} has no ${lacking.modules.join(' and no ')}; install the package python3-venv (Debian: apt install python3-venv), then run this again`,
    );
  throw new PythonEnvError(
    'no_python',
    `${seen(probes, probeMsMax)}; expected 3.${MINOR_MIN} or newer: install python3 and python3-venv (Debian: apt install python3 python3-venv), then run this again`,
  );
}

function seen(probes: readonly Probe[], probeMsMax: number): string {
  const hung = probes.find((found) => found.kind === 'hung');
  if (hung?.kind === 'hung')
    return `${hung.name} did not tell its version within ${probeMsMax / 1_000} s`;
  const old = probes.find((found) => found.kind === 'old');
  return old?.kind === 'old' ? `Python ${old.version} was found` : 'no Python was found in PATH';
}

async function probe(name: string, signal: AbortSignal, limitMs: number): Promise<Probe> {
  signal.throwIfAborted();
  let said = '';
  const child = await spawnChild({
    name: 'python',
    command: name,
    args: ['-I', '-c', PROBE],
    tie: 'shell',
    stdout: 'log',
    log: (line) => {
      said = `${said}\n${line}`.slice(-4_096);
    },
  });
  const late = AbortSignal.timeout(limitMs);
  // The whole group: a wrapper that hangs may have started a Python of its own.
  const kill = () => child.kill();
  const over = AbortSignal.any([signal, late]);
  over.addEventListener('abort', kill, { once: true });
  if (over.aborted) kill();
  const exit = await child.exited;
  over.removeEventListener('abort', kill);
  signal.throwIfAborted();
  const [, version, missing, path] = /^(3\.\d+) (\S+) (\/.+)$/m.exec(said) ?? [];
  if (version === undefined || path === undefined)
    return exit.signal === 'SIGKILL' && late.aborted ? { kind: 'hung', name } : { kind: 'absent' };
  if (minorOf(version) < MINOR_MIN) return { kind: 'old', version };
  if (missing !== '-') return { kind: 'lacking', version, modules: (missing ?? '').split(',') };
  return { kind: 'good', python: { path, version } };
}

function minorOf(version: string): number {
  return Number(version.split('.')[1]);
}
