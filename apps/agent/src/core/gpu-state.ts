import { GPU_LIMITS, type Gpu, withoutFigures } from '@podctl/domain/gpu.ts';

/**
 * What the agent knows of its machine's GPUs, folded from what a probe sees.
 *   unseen    nothing was seen yet
 *   none      there is no program to ask: a machine without such GPUs
 *   unusable  there is a program, and it shows none: one sentence why
 *   present   they are there
 *   lost      some were there and are not any more; what is seen later may bring them back, but not to work under way
 * What is never true: lost after a single look. One that is missing must be missing twice in a row, and a probe that
 * breaks must break three times: a slow or torn answer must not end an agent.
 */
export type GpuState =
  | { readonly kind: 'unseen' }
  | { readonly kind: 'none' }
  | { readonly kind: 'unusable'; readonly reason: string }
  | { readonly kind: 'present'; readonly gpus: readonly Gpu[]; readonly doubt: Doubt }
  | { readonly kind: 'lost'; readonly reason: string };

/** Bad looks in a row. */
interface Doubt {
  readonly missing: number;
  readonly broken: number;
}

/**
 * What a probe saw at one look.
 *   round    these GPUs; not `isWhole` when a part could not be read
 *   absent   the driver answers that there is none
 *   missing  there is no program to ask
 *   broken   it gave no answer, or none that can be read: one sentence
 */
export type GpuSight =
  | { readonly kind: 'round'; readonly gpus: readonly Gpu[]; readonly isWhole: boolean }
  | { readonly kind: 'absent'; readonly reason: string }
  | { readonly kind: 'missing' }
  | { readonly kind: 'broken'; readonly reason: string };

export const UNSEEN: GpuState = { kind: 'unseen' };
const CERTAIN: Doubt = { missing: 0, broken: 0 };
const MISSING_MAX = 2;
const BAD_LOOKS_MAX = 3;

/** The state after one look more. */
export function foldSight(state: GpuState, sight: GpuSight): GpuState {
  if (state.kind === 'present') return whilePresent(state.gpus, state.doubt, sight);
  if (sight.kind === 'round' && sight.gpus.length > 0)
    return { kind: 'present', gpus: sight.gpus, doubt: CERTAIN };
  if (state.kind === 'lost') return state;
  switch (sight.kind) {
    case 'missing':
      return { kind: 'none' };
    case 'round':
      return { kind: 'unusable', reason: 'nvidia-smi lists no GPU that can be reached' };
    case 'absent':
    case 'broken':
      return { kind: 'unusable', reason: sight.reason };
  }
}

function whilePresent(known: readonly Gpu[], doubt: Doubt, sight: GpuSight): GpuState {
  if (sight.kind !== 'round' || !sight.isWhole) {
    const seen = sight.kind === 'round' ? sight.gpus : [];
    const gone = sight.kind === 'absent' ? known : [];
    return doubted(merged(known, seen), gone, next(doubt, gone), reasonOf(sight));
  }
  const gone = known.filter((gpu) => !sight.gpus.some((seen) => isSame(gpu, seen)));
  if (gone.length === 0) return { kind: 'present', gpus: sight.gpus, doubt: CERTAIN };
  return doubted(merged(known, sight.gpus), gone, next(doubt, gone), null);
}

function next({ missing, broken }: Doubt, gone: readonly Gpu[]): Doubt {
  return gone.length > 0 ? { missing: missing + 1, broken } : { missing, broken: broken + 1 };
}

function doubted(
  gpus: readonly Gpu[],
  gone: readonly Gpu[],
  doubt: Doubt,
  reason: string | null,
): GpuState {
  const { missing, broken } = doubt;
  if (missing < MISSING_MAX && missing + broken < BAD_LOOKS_MAX)
    return { kind: 'present', gpus, doubt };
  const why = reason === null ? '' : `: ${reason}`;
  const what =
    gone.length > 0
      ? `${nameOf(gone)} was there and is not any more`
      : `${nameOf(gpus)} was there, and nothing is heard of it any more`;
  return { kind: 'lost', reason: `${what}${why}` };
}

function reasonOf(sight: GpuSight): string | null {
  switch (sight.kind) {
    case 'absent':
    case 'broken':
      return sight.reason;
    case 'missing':
      return 'nvidia-smi is not found any more';
    case 'round':
      return 'nvidia-smi answers with lines that cannot be read';
  }
}

/** Those that are known, with the figures of those that were seen now. */
function merged(known: readonly Gpu[], seen: readonly Gpu[]): readonly Gpu[] {
  const kept = known.map((gpu) => seen.find((now) => isSame(gpu, now)) ?? withoutFigures(gpu));
  const added = seen.filter((now) => !known.some((gpu) => isSame(gpu, now)));
  return [...kept, ...added].slice(0, GPU_LIMITS.gpusMax);
}

/** By the index only where there is no UUID: a restart of the driver may count anew. */
function isSame(a: Gpu, b: Gpu): boolean {
  return a.uuid === '' || b.uuid === '' ? a.index === b.index : a.uuid === b.uuid;
}

function nameOf(gpus: readonly Gpu[]): string {
  const [first] = gpus;
  if (first === undefined) return 'a GPU';
  const more = gpus.length > 1 ? ` and ${gpus.length - 1} more` : '';
  const uuid = first.uuid === '' ? '' : `, ${first.uuid}`;
  return `GPU ${first.index} (${first.product || 'of an unknown make'}${uuid})${more}`;
}

/** What the heartbeat tells. */
export interface GpuReport {
  readonly gpus: readonly Gpu[];
  /** Why none can be used, one sentence; null when there is nothing to say. */
  readonly gpuProblem: string | null;
  /** How the engines run and why, in words. */
  readonly engineChoice?: string;
}

export function gpuReport(state: GpuState): GpuReport {
  switch (state.kind) {
    case 'unseen':
    case 'none':
      return { gpus: [], gpuProblem: null };
    case 'present':
      return { gpus: state.gpus, gpuProblem: null };
    case 'unusable':
    case 'lost':
      return { gpus: [], gpuProblem: state.reason };
  }
}

/**
 * Why an agent that may use nothing but a GPU can do no work now; null: nothing is known against it. Without nvidia-smi
 * nothing is: the engine finds out.
 */
export function gpuLack(state: GpuState, onGpuOnly: boolean): string | null {
  return onGpuOnly && state.kind === 'unusable' ? `no GPU can be used: ${state.reason}` : null;
}

/** Why the agent must end, when it must: an engine whose GPU is gone fails every job that it is given. */
export function gpuLoss(state: GpuState, needsGpu: boolean): string | null {
  return needsGpu && state.kind === 'lost' ? state.reason : null;
}
