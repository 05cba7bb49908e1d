import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import {
  ensurePythonEnv,
  findPythonEnvs,
  type PythonEnvProgress,
} from '@podctl/platform/python-env.ts';
import { PythonEnvError } from '@podctl/platform/python-env-error.ts';
import { nvidiaGpus } from '../install/nvidia-smi.ts';
import { programRunner } from '../install/run-program.ts';
import { cudaRequirementsPath } from './bootstrap.ts';
import type { SetupReport } from './setup-report.ts';

export interface CudaRequest {
  /** The folder that holds environments. */
  readonly root: string;
  /** transcribe.device */
  readonly device: 'auto' | 'cpu' | 'cuda';
  readonly report: SetupReport;
  readonly log: (line: string) => void;
  readonly onProgress: (progress: PythonEnvProgress) => void;
}

/**
 * The folder with CUDA's libraries for the engine, fetched once, where a GPU is seen that is to be used; null where there is
 * none. Not to have them is told, and ends nothing: with `auto` the CPU does the work, with `cuda` the agent says why not.
 */
export async function ensureCudaLibraries(
  { root, device, report, log, onProgress }: CudaRequest,
  signal: AbortSignal,
): Promise<string | null> {
  if (device === 'cpu' || !hasCudaWheels(process.platform, process.arch)) return null;
  const there = await findCudaLibraries(root);
  if (there !== null) return there;
  const gpu = await nvidiaGpus(programRunner(signal)).look();
  if (gpu.kind !== 'gpus') return null;
  report.line(
    `GPU: ${gpu.names.join(', ')}; fetching the CUDA libraries for it (once, about 600 MB)`,
  );
  try {
    await ensurePythonEnv({
      root,
      requirementsPaths: [cudaRequirementsPath()],
      signal,
      log,
      onProgress,
    });
  } catch (error) {
    if (!(error instanceof PythonEnvError)) throw error;
    report.line(`GPU: not used, since its libraries could not be fetched: ${error.message}`);
    return null;
  }
  return await findCudaLibraries(root);
}

/** Where an environment for CUDA lies below the root, whole; null: there is none. Makes nothing. */
export async function findCudaLibraries(root: string): Promise<string | null> {
  const { folder } = await findPythonEnvs(root, [cudaRequirementsPath()]);
  if (folder === null) return null;
  const [version] = (await readdir(join(folder, 'lib'))).filter((name) =>
    name.startsWith('python3.'),
  );
  return version === undefined
    ? null
    : join(folder, 'lib', version, 'site-packages', 'nvidia', 'cublas', 'lib');
}

/** The engine's wheels for other machines know no CUDA. */
export function hasCudaWheels(platform: string, arch: string): boolean {
  return platform === 'linux' && arch === 'x64';
}
