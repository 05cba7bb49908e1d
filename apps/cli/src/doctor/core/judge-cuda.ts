import { sizeWords } from '../../render/words.ts';
import { type Check, fail, ok, skipped, warn, worstOf } from './check.ts';
import type { DoctorGpu } from './gpu-facts.ts';
import type { MachineFacts } from './machine-facts.ts';

/**
 * NVIDIA's table of drivers for CUDA 12 (any 12.x runs from the first of them on), and of the toolkit that the engine's
 * PTX is of (12.8): GPUs newer than its kernels need a driver that can compile it.
 */
const DRIVER_MIN = '525.60.13';
const DRIVER_MIN_COMPILED = '570.26';
const COMPILED_FROM = 9;
/** Less does not hold the smallest model beside CUDA's own 0.6 GB. */
const FREE_BYTES_MIN = 1e9;

type Facts = Pick<MachineFacts, 'cuda' | 'device' | 'gpu'>;

/** The driver, and what else is on the GPUs. */
export function judgeDriver({ cuda, device, gpu }: Facts): Check {
  if (device === 'cpu') return skipped('agent-driver', 'transcribe.device is cpu');
  if (cuda === null || cuda.gpus.length === 0) {
    if (gpu.kind !== 'none' || cuda?.isOnBus !== true)
      return skipped('agent-driver', 'no NVIDIA GPU tells of its driver');
    return bad(device)(
      'agent-driver',
      'there is a GPU of NVIDIA, and no driver for it: the CPU does its work',
      `install a driver of at least ${DRIVER_MIN} (Debian: apt install nvidia-driver), then restart the machine`,
    );
  }
  const checks = cuda.gpus.flatMap((one) => [
    ...oldDriver(one, device),
    ...cutChecks(one),
    ...busyChecks(one, device),
  ]);
  return worstOf(checks, () => ok('agent-driver', `${cuda.gpus[0]?.driver}, new enough`));
}

/** What CUDA needs besides the driver. No cuDNN: the engine of this version opens none. */
export function judgeCuda({ cuda, device, gpu }: Facts): Check {
  if (device === 'cpu') return skipped('agent-cuda', 'transcribe.device is cpu');
  if (gpu.kind !== 'gpus') return skipped('agent-cuda', 'no GPU is seen');
  if (cuda?.cublas === undefined || cuda.cublas === null)
    return skipped('agent-cuda', 'the Python of the engine could not be asked');
  const { libraries, cublas } = cuda;
  if (cublas.loads)
    return ok(
      'agent-cuda',
      `libcublas.so.12 opens, ${libraries === null ? "the system's" : `of ${libraries}`}`,
    );
  const fix =
    libraries === null
      ? 'let this machine reach the package registry, then run "podctl agent install" again, which fetches it ("podctl up" does so for its own agent)'
      : `remove ${libraries}, then run "podctl agent install" again`;
  return bad(device)(
    'agent-cuda',
    `the engine cannot open libcublas.so.12 (${cublas.said}): the CPU does its work`,
    fix,
  );
}

/** Negative, 0 or positive: of two versions such as 550.54.14. */
export function compareVersions(a: string, b: string): number {
  const [left, right] = [a, b].map((version) => version.split('.').map(Number));
  for (let i = 0; i < Math.max(left?.length ?? 0, right?.length ?? 0); i += 1) {
    const difference = (left?.[i] ?? 0) - (right?.[i] ?? 0);
    if (difference !== 0) return difference;
  }
  return 0;
}

function oldDriver(
  { index, driver, computeCapability }: DoctorGpu,
  device: Device,
): readonly Check[] {
  const isCompiled = (computeCapability ?? 0) >= COMPILED_FROM;
  const least = isCompiled ? DRIVER_MIN_COMPILED : DRIVER_MIN;
  if (!/^\d+(\.\d+)+$/.test(driver) || compareVersions(driver, least) >= 0) return [];
  const seen = `the driver of GPU ${index} is ${driver}, and the engine needs ${least} or newer`;
  return [
    bad(device)(
      'agent-driver',
      seen,
      `install a driver of at least ${least}, then restart the machine`,
    ),
  ];
}

function cutChecks({ index, isCut }: DoctorGpu): readonly Check[] {
  // Who named a part has it already; that is not seen from here.
  if (!isCut) return [];
  const seen = `GPU ${index} is cut into parts (MIG), and an agent works on one part only`;
  const fix = 'give each agent a part: CUDA_VISIBLE_DEVICES=MIG-… of "nvidia-smi -L"';
  return [warn('agent-driver', seen, fix)];
}

function busyChecks(
  { index, memorySizeBytes, memoryUsedBytes }: DoctorGpu,
  device: Device,
): readonly Check[] {
  if (memorySizeBytes === null || memoryUsedBytes === null) return [];
  const free = memorySizeBytes - memoryUsedBytes;
  if (free >= FREE_BYTES_MIN) return [];
  const seen = `GPU ${index} has ${sizeWords(free)} free of ${sizeWords(memorySizeBytes)}`;
  return [
    bad(device)(
      'agent-driver',
      seen,
      'end what else uses it ("nvidia-smi" shows what), or set transcribe.device to cpu',
    ),
  ];
}

type Device = MachineFacts['device'];

function bad(device: Device): typeof fail {
  return device === 'cuda' ? fail : warn;
}
