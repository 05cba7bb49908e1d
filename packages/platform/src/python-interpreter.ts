import { spawn } from 'node:child_process';
import { once } from 'node:events';
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
): Promise<PythonInterpreter> {
  const probes: Probe[] = [];
  for (const name of names) {
    const found = await probe(name, signal);
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
  const old = probes.find((found) => found.kind === 'old');
  const seen =
    old?.kind === 'old' ? `Python ${old.version} was found` : 'no Python was found in PATH';
  throw new PythonEnvError(
    'no_python',
    `${seen}; expected 3.${MINOR_MIN} or newer: install python3 and python3-venv (Debian: apt install python3 python3-venv), then run this again`,
  );
}

async function probe(name: string, signal: AbortSignal): Promise<Probe> {
  signal.throwIfAborted();
  const child = spawn(name, ['-I', '-c', PROBE], {
    stdio: ['ignore', 'pipe', 'ignore'],
    timeout: PROBE_MS_MAX,
    killSignal: 'SIGKILL',
  });
  let said = '';
  child.stdout.on('data', (chunk: Buffer) => {
    said = (said + chunk.toString('utf8')).slice(0, 4_096);
  });
  const stop = () => child.kill('SIGKILL');
  signal.addEventListener('abort', stop, { once: true });
  try {
    await once(child, 'close');
  } catch {
    return { kind: 'absent' };
  } finally {
    signal.removeEventListener('abort', stop);
  }
  signal.throwIfAborted();
  const [, version, missing, path] = /^(3\.\d+) (\S+) (\/.+)$/m.exec(said) ?? [];
  if (version === undefined || path === undefined) return { kind: 'absent' };
  if (minorOf(version) < MINOR_MIN) return { kind: 'old', version };
  if (missing !== '-') return { kind: 'lacking', version, modules: (missing ?? '').split(',') };
  return { kind: 'good', python: { path, version } };
}

function minorOf(version: string): number {
  return Number(version.split('.')[1]);
}
