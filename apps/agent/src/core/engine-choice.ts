/**
 * How an engine is to run a model on a GPU: which numbers it reckons with, how many windows together, and how many engines
 * share the GPU. Chosen from the GPU's memory and the model's size; each can be set instead (docs/gpu.md).
 */
export interface EngineChoice {
  readonly computeType: string;
  readonly batchSize: number;
  readonly enginesPerGpu: number;
  /** Why, without a full stop. */
  readonly reason: string;
}

/** What is known of a GPU before an engine runs on it. */
export interface GpuTraits {
  /** Null: the machine does not tell, as with MIG. */
  readonly memorySizeBytes: number | null;
  /** Such as 9 of an H100; null: not told. */
  readonly computeCapability: number | null;
}

/** What the settings say; `auto`: it is chosen. */
export interface EngineWishes {
  readonly computeType: string;
  readonly batchSize: number | 'auto';
}

/** MiB of one engine on a GPU. */
interface ModelNeed {
  /** Weights as float16. */
  readonly weights: number;
  /** For each window of a batch, at the most: 448 tokens, beam 5. */
  readonly window: number;
}

const MIB = 1_024 * 1_024;
export const BATCH_SIZE_CPU = 8;
/** Beyond these nothing was gained (docs/benchmarks.md): small models wait for the CPU, large ones are full. */
const BATCH_SIZE_SMALL_MAX = 16;
const BATCH_SIZE_LARGE_MAX = 32;
/** Below it an engine reads its weights for too little. */
const BATCH_SIZE_MIN = 4;
/** CUDA's context, cuBLAS and CTranslate2's kernels, before any weight. */
const CONTEXT_MIB = 580;
/** CTranslate2's allocator rounds up. */
const WEIGHTS_ROUNDING = 1.28;
/** For what else is on the GPU: a screen, another program. */
const SHARE_MAX = 0.9;
/** With one engine alone the GPU waits for the CPU: these gain by a second one. */
const SMALL_MODEL_MIB = 500;
const CORES_PER_ENGINE = 8;
const ENGINES_PER_GPU_MAX = 2;

const TENSOR_CORES = 7;
const INTEGER_DOT_PRODUCT = 6.1;

/**
 * By the size in the model's name. Measured on an H100 in models of these shapes (docs/gpu.md), those of distil apart, which
 * are estimated by their parts.
 */
const NEEDS: readonly (readonly [RegExp, ModelNeed])[] = [
  [/(^|[-/_])tiny/, { weights: 72, window: 58 }],
  [/(^|[-/_])base/, { weights: 138, window: 58 }],
  [/distil-(medium|small)/, { weights: 752, window: 140 }],
  [/(^|[-/_])small/, { weights: 461, window: 130 }],
  [/(^|[-/_])medium/, { weights: 1_457, window: 355 }],
  [/turbo|distil-large/, { weights: 1_543, window: 140 }],
];
/** Of large, and of every model whose name does not tell. */
const NEED_MAX: ModelNeed = { weights: 2_944, window: 560 };

/** Pure. `cores`: of this machine, that the agent may use. */
export function chooseEngine(
  gpu: GpuTraits,
  model: string,
  wishes: EngineWishes,
  cores: number,
): EngineChoice {
  const need = needOf(model);
  const room = roomOf(gpu, need, wishes);
  const enginesPerGpu = enginesOn(room, need, cores);
  const { computeType, why } = computeTypeOf(gpu, room, need, wishes);
  const fits = Math.floor((room.mib / enginesPerGpu - loadedMib(need, computeType)) / need.window);
  const batchSize = batchSizeOf(fits, need, wishes);
  const memory = room.isKnown
    ? `${(room.mib / SHARE_MAX / 1_024).toFixed(0)} GiB`
    : 'memory that is not told';
  const batchWhy =
    wishes.batchSize === 'auto'
      ? `batch ${batchSize} of ${Math.max(0, fits)} that fit`
      : `batch ${batchSize} as set`;
  return { computeType, batchSize, enginesPerGpu, reason: `${memory}: ${why}, ${batchWhy}` };
}

interface Room {
  readonly mib: number;
  readonly isKnown: boolean;
}

/** Memory that is not told is taken for what the model needs with a batch of the CPU's. */
function roomOf(gpu: GpuTraits, need: ModelNeed, { computeType }: EngineWishes): Room {
  if (gpu.memorySizeBytes !== null)
    return { mib: (gpu.memorySizeBytes / MIB) * SHARE_MAX, isKnown: true };
  const mib = Math.ceil(loadedMib(need, computeType) + BATCH_SIZE_CPU * need.window);
  return { mib, isKnown: false };
}

function needOf(model: string): ModelNeed {
  const name = model.toLowerCase();
  return NEEDS.find(([pattern]) => pattern.test(name))?.[1] ?? NEED_MAX;
}

function enginesOn(room: Room, need: ModelNeed, cores: number): number {
  if (!room.isKnown || need.weights > SMALL_MODEL_MIB) return 1;
  const each = loadedMib(need, 'float16') + BATCH_SIZE_SMALL_MAX * need.window;
  const most = Math.min(
    ENGINES_PER_GPU_MAX,
    Math.floor(cores / CORES_PER_ENGINE),
    Math.floor(room.mib / each),
  );
  return Math.max(1, most);
}

function computeTypeOf(
  { computeCapability }: GpuTraits,
  room: Room,
  need: ModelNeed,
  { computeType }: EngineWishes,
): { readonly computeType: string; readonly why: string } {
  if (computeType !== 'auto') return { computeType, why: `${computeType} as set` };
  if (computeCapability !== null && computeCapability < TENSOR_CORES) {
    const old = `compute capability ${computeCapability.toFixed(1)} has no fast float16`;
    return computeCapability >= INTEGER_DOT_PRODUCT
      ? { computeType: 'int8_float32', why: `int8_float32, since ${old}` }
      : { computeType: 'float32', why: `float32, since ${old}` };
  }
  if (room.mib >= loadedMib(need, 'float16') + BATCH_SIZE_MIN * need.window)
    return { computeType: 'float16', why: 'float16 fits' };
  return { computeType: 'int8_float16', why: 'int8_float16, since float16 does not fit' };
}

function batchSizeOf(fits: number, need: ModelNeed, { batchSize }: EngineWishes): number {
  if (batchSize !== 'auto') return batchSize;
  const most = need.weights > SMALL_MODEL_MIB ? BATCH_SIZE_LARGE_MAX : BATCH_SIZE_SMALL_MAX;
  return Math.min(most, Math.max(1, fits));
}

/** The memory of an engine that has the model and does nothing. */
function loadedMib({ weights }: ModelNeed, computeType: string): number {
  return CONTEXT_MIB + weights * bytesShare(computeType) * WEIGHTS_ROUNDING;
}

function bytesShare(computeType: string): number {
  if (computeType.startsWith('int8')) return 0.5;
  return computeType === 'float32' ? 2 : 1;
}
