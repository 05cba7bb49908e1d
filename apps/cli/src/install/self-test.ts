import { err, ok, type Result } from '@podctl/domain/result.ts';
import { wordErrorRate } from '@podctl/domain/transcript/word-error-rate.ts';
import type { EngineModel, HeardClip } from './engine-session.ts';

/** What came of the known clip. */
export interface SelfTestFacts {
  readonly expected: string;
  readonly heard: HeardClip;
  readonly model: EngineModel;
  /** `auto`, `cpu` or `cuda`, from the settings. */
  readonly deviceWanted: string;
  /** GPUs that the machine has. */
  readonly gpus: number;
  /** MiB of each GPU before the model was loaded, and with it loaded; null where none tells. */
  readonly memoryBefore: readonly number[] | null;
  readonly memoryWith: readonly number[] | null;
}

/** tiny.en hears the samples with 0.03, spoken by a machine; one that hears every fourth word wrong is broken. */
const WORD_ERROR_RATE_MAX = 0.25;
/** Below it, an agent falls behind what is published. */
const SPEED_MIN = 1;
/** The smallest model in its smallest form has 40 MB; a driver's own figures wobble by less. */
const MEMORY_RISE_MIB_MIN = 30;

/** What was heard, how well and how fast; else what is wrong and what to do. */
export function judgeSelfTest(facts: SelfTestFacts): Result<string, string> {
  const { expected, heard, model } = facts;
  const rate = wordErrorRate([{ expected, heard: heard.text }]);
  if (rate > WORD_ERROR_RATE_MAX)
    return err(
      `the engine heard ${percent(rate)} of the words of a known clip wrong, and at most ${percent(WORD_ERROR_RATE_MAX)} go; choose another model or device (transcribe.model, transcribe.device), then run this again`,
    );
  const unused = whyGpuUnused(facts);
  if (unused !== null)
    return err(
      `the GPU was not used: ${unused}; install the CUDA libraries (cuBLAS, cuDNN) for it, or set transcribe.device to cpu, then run this again`,
    );
  const speed = (heard.durationSeconds * 1_000) / Math.max(1, heard.elapsedMs);
  if (speed < SPEED_MIN)
    return err(
      `${model.model} on ${model.device} heard a known clip at ${speed.toFixed(2)} times real time, slower than people speak; choose a smaller model (transcribe.model), or let less else run here, then run this again`,
    );
  return ok(
    `${model.model} on ${model.device} (${model.computeType}) heard a known clip of ${Math.round(heard.durationSeconds)} s at ${speed.toFixed(1)} times real time, ${percent(rate)} of its words wrong`,
  );
}

function whyGpuUnused({
  gpus,
  deviceWanted,
  model,
  memoryBefore,
  memoryWith,
}: SelfTestFacts): string | null {
  if (gpus === 0 || deviceWanted === 'cpu') return null;
  if (model.device !== 'cuda')
    return model.note?.replace(/[.\s]+$/, '') ?? `the engine ran on ${model.device}`;
  if (memoryBefore === null || memoryWith === null) return null;
  const rises = memoryWith.map((mib, i) => mib - (memoryBefore[i] ?? 0));
  const riseMib = Math.max(...rises);
  return riseMib >= MEMORY_RISE_MIB_MIN
    ? null
    : `its memory rose by ${Math.max(0, riseMib)} MiB with the model loaded`;
}

function percent(ratio: number): string {
  return `${Math.round(ratio * 100)} %`;
}
