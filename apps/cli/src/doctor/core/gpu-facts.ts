/** What was seen of an NVIDIA GPU and of what the engine needs to work on it. */
export interface CudaFacts {
  readonly gpus: readonly DoctorGpu[];
  /** Whether the engine's Python can open libcublas.so.12; null: it was not asked. */
  readonly cublas: { readonly loads: boolean; readonly said: string } | null;
  /** The folder of CUDA's libraries that podctl fetched; null: there is none. */
  readonly libraries: string | null;
  /** The bus holds a device of NVIDIA that shows pictures or computes; with no driver nothing else tells of it. */
  readonly isOnBus: boolean;
}

export interface DoctorGpu {
  readonly index: number;
  readonly driver: string;
  readonly memorySizeBytes: number | null;
  readonly memoryUsedBytes: number | null;
  /** Cut into parts by MIG. */
  readonly isCut: boolean;
  readonly computeCapability: number | null;
}

export const DOCTOR_GPU_QUERY = [
  'nvidia-smi',
  '--query-gpu=index,driver_version,memory.total,memory.used,mig.mode.current,compute_cap',
  '--format=csv,noheader,nounits',
] as const;

const MIB = 1_024 * 1_024;
const FIELDS = 6;

/** Reads the answer to DOCTOR_GPU_QUERY; lines that are none are passed over. */
export function doctorGpus(text: string): readonly DoctorGpu[] {
  return text.split('\n').flatMap((line) => {
    const fields = line.split(',').map((field) => field.trim());
    const [index = '', driver = '', total = '', used = '', mig = '', capability = ''] = fields;
    if (fields.length !== FIELDS || !/^\d{1,4}$/.test(index)) return [];
    return [
      {
        ...{ index: Number(index), driver, isCut: mig === 'Enabled' },
        memorySizeBytes: bytesOf(total),
        memoryUsedBytes: bytesOf(used),
        computeCapability: /^\d{1,2}\.\d$/.test(capability) ? Number(capability) : null,
      },
    ];
  });
}

function bytesOf(mib: string): number | null {
  return /^\d{1,9}$/.test(mib) ? Number(mib) * MIB : null;
}
