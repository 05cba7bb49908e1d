import {
  ensurePythonEnv,
  type PythonEnvProgress,
  type PythonEnvWork,
} from '@podctl/platform/python-env.ts';
import { cut } from '../render/cell.ts';
import { countWords, sizeWords } from '../render/words.ts';
import { requirementsPath } from './bootstrap.ts';
import { type CudaRequest, ensureCudaLibraries } from './cuda-libraries.ts';
import type { SetupReport } from './setup-report.ts';

/** The programs of the Python environment that a fleet on one machine needs. */
export interface Toolchain {
  readonly python: string;
  readonly natsServer: string;
  /** A folder with CUDA's libraries; null: no GPU is to be used, or they could not be had. */
  readonly cudaLibraries: string | null;
}

/** Prepares the environment with the engine and the nats-server, once; tells how far it is. Rejects with PythonEnvError. */
export async function prepareToolchain(
  root: string,
  report: SetupReport,
  log: (line: string) => void,
  signal: AbortSignal,
  device: CudaRequest['device'] = 'cpu',
): Promise<Toolchain> {
  const env = await ensurePythonEnv({
    root,
    requirementsPaths: [requirementsPath()],
    signal,
    log,
    onProgress: (progress) => tell(progress, report),
  });
  const onProgress = (progress: PythonEnvProgress) => tell(progress, report);
  const cudaLibraries = await ensureCudaLibraries(
    { root, device, report, log, onProgress },
    signal,
  );
  return { python: env.python, natsServer: env.bin('nats-server'), cudaLibraries };
}

/** What is told again and again must not hide, on a terminal, the line of the package that is fetched. */
const SILENT_MS_MIN = 3_000;
const STILL: Readonly<Record<PythonEnvWork, string>> = {
  creating: 'making the environment',
  asking: 'waiting for the package registry',
  fetching: 'fetching this package',
  installing: 'installing the packages',
};

function tell(progress: PythonEnvProgress, report: SetupReport): void {
  switch (progress.kind) {
    case 'waiting':
      report.line(`Python environment: another podctl (${progress.holder}) prepares it; waiting`);
      break;
    case 'creating':
      report.line(`Python environment: making one with Python ${progress.version} (once)`);
      break;
    case 'fetching': {
      const { name, packages, sizeBytes, totalBytes } = progress;
      const got = `${countWords(packages, 'package')}, ${sizeWords(totalBytes)}`;
      report.progress(`  fetching ${cut(name, 40)} (${sizeWords(sizeBytes)}), ${got} so far`);
      break;
    }
    case 'installing': {
      const { packages, totalBytes } = progress;
      report.line(`  fetched ${countWords(packages, 'package')}, ${sizeWords(totalBytes)}`);
      report.progress(`  installing ${countWords(packages, 'package')}`);
      break;
    }
    case 'silent':
      if (progress.silentMs >= SILENT_MS_MIN)
        report.progress(`  still ${STILL[progress.at]}, ${progress.silentMs / 1_000} s`);
      break;
    case 'ready':
      report.line(`Python environment: ready after ${(progress.tookMs / 1_000).toFixed(0)} s`);
      break;
  }
}
