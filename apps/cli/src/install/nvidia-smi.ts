import type { GpuPort, RunProgram } from './ports.ts';
import { failureWords } from './run-program.ts';

/** A driver in trouble lets it hang. */
const TIMEOUT_MS = 5_000;
const LIST = ['nvidia-smi', '-L'];
const MEMORY = ['nvidia-smi', '--query-gpu=memory.used', '--format=csv,noheader,nounits'];

export function nvidiaGpus(run: RunProgram): GpuPort {
  return {
    async look() {
      const end = await run(LIST, { timeoutMs: TIMEOUT_MS });
      if (end.kind === 'missing') return { kind: 'none', why: 'there is no nvidia-smi' };
      if (end.kind === 'late' || end.code !== 0)
        return { kind: 'broken', why: failureWords(LIST, end, TIMEOUT_MS) };
      const names = gpuNames(end.stdout);
      return names.length === 0
        ? { kind: 'none', why: 'nvidia-smi lists none' }
        : { kind: 'gpus', names };
    },
    async memoryUsedMib() {
      const end = await run(MEMORY, { timeoutMs: TIMEOUT_MS });
      return end.kind === 'ended' && end.code === 0 ? memoryOf(end.stdout) : null;
    },
  };
}

/** From lines such as `GPU 0: NVIDIA H100 80GB HBM3 (UUID: GPU-…)`; the MIG devices below a GPU are passed over. */
export function gpuNames(text: string): readonly string[] {
  return text.split('\n').flatMap((line) => {
    const name = /^GPU \d+: (.{1,200}?)(?: \(UUID: [^)]*\))?\s*$/.exec(line)?.[1];
    return name === undefined ? [] : [name];
  });
}

/** MiB of each GPU; `[N/A]` and its like are left out. */
export function memoryOf(text: string): readonly number[] | null {
  const found = text.split('\n').filter((line) => /^\s*\d+\s*$/.test(line));
  return found.length === 0 ? null : found.map(Number);
}
