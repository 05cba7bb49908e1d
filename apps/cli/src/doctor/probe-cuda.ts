import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { RunProgram } from '../install/ports.ts';
import { findCudaLibraries } from '../up/cuda-libraries.ts';
import { type CudaFacts, DOCTOR_GPU_QUERY, doctorGpus } from './core/gpu-facts.ts';

const ASK_MS_MAX = 5_000;
const OPEN_MS_MAX = 10_000;
const PCI = '/sys/bus/pci/devices';
const NVIDIA = '0x10de';
/** Display controllers, and what computes without a display. */
const PICTURES = '0x03';

/** As the engine does: by name, where the linker looks. Nothing is computed. */
const OPEN_PROGRAM = `
import ctypes
try:
    ctypes.CDLL("libcublas.so.12")
    print("opened")
except OSError as error:
    print(error)
`;

/** @param python of the engine's environment; null: there is none. */
export async function probeCuda(
  root: string,
  python: string | null,
  run: RunProgram,
): Promise<CudaFacts> {
  const libraries = await findCudaLibraries(root);
  const [gpus, cublas, isOnBus] = await Promise.all([
    gpusOf(run),
    python === null ? null : cublasOf(python, libraries, run),
    isNvidiaOnBus(),
  ]);
  return { gpus, cublas, libraries, isOnBus };
}

async function gpusOf(run: RunProgram) {
  const end = await run([...DOCTOR_GPU_QUERY], { timeoutMs: ASK_MS_MAX });
  return end.kind === 'ended' && end.code === 0 ? doctorGpus(end.stdout) : [];
}

async function cublasOf(python: string, libraries: string | null, run: RunProgram) {
  const path = [libraries, process.env.LD_LIBRARY_PATH].filter(Boolean).join(':');
  const env = path === '' ? {} : { LD_LIBRARY_PATH: path };
  const end = await run([python, '-I', '-B', '-c', OPEN_PROGRAM], { timeoutMs: OPEN_MS_MAX, env });
  if (end.kind !== 'ended' || end.code !== 0) return null;
  const said = end.stdout.trim().split('\n').at(-1) ?? '';
  return { loads: said === 'opened', said };
}

async function isNvidiaOnBus(): Promise<boolean> {
  const names = await readdir(PCI).catch((): string[] => []);
  const found = await Promise.all(
    names.map(async (name) => {
      const read = (what: string) => readFile(join(PCI, name, what), 'utf8').catch(() => '');
      return (await read('vendor')).trim() === NVIDIA && (await read('class')).startsWith(PICTURES);
    }),
  );
  return found.includes(true);
}
