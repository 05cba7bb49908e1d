import { err, ok, type Result } from '@podctl/domain/result.ts';
import {
  BATCH_SIZE_CPU,
  chooseEngine,
  type EngineWishes,
  type GpuTraits,
} from './engine-choice.ts';
import type { Rung } from './engine-ladder.ts';

/** What `nvidia-smi` is asked once, before engines are made; older drivers do not know the last two. */
export const TRAITS_QUERY_FIELDS = [
  'index,uuid,name,memory.total,mig.mode.current,compute_cap',
  'index,uuid,name,memory.total',
] as const;

/** A GPU that an engine can be given. */
export interface GpuSeat extends GpuTraits {
  readonly index: number;
  /** What CUDA_VISIBLE_DEVICES gets. */
  readonly uuid: string;
  readonly product: string;
  /** Cut into parts (MIG): only a part can be worked on, and it has less memory than is told. */
  readonly isCut: boolean;
}

export interface EnginePlan {
  /** An engine each; null: on whatever the engine finds, which is the CPU where there is no GPU. */
  readonly seats: readonly (GpuSeat | null)[];
  /** For people: what was chosen and why. */
  readonly words: string;
}

export interface EngineNeeds {
  readonly device: 'auto' | 'cpu' | 'cuda';
  readonly model: string;
  readonly wishes: EngineWishes;
  readonly slots: number | 'auto';
  readonly cores: number;
}

const MIB = 1_024 * 1_024;
const FIELDS_MIN = 4;

/** Reads a line of the answer to TRAITS_QUERY_FIELDS; a name may hold commas. */
export function gpuSeat(line: string, hasTraits: boolean): Result<GpuSeat, string> {
  const fields = line.split(',').map((field) => field.trim());
  const behind = hasTraits ? 3 : 1;
  const [index = '', uuid = ''] = fields;
  if (
    fields.length < FIELDS_MIN + behind - 1 ||
    !/^\d{1,4}$/.test(index) ||
    !/^[A-Za-z0-9-]{1,64}$/.test(uuid)
  )
    return err(unreadable(line));
  const [memory = '', mig = '', capability = ''] = fields.slice(-behind);
  if (!/^(\d{1,9}|\[.*\])$/.test(memory) || (hasTraits && !/^(Enabled|Disabled|\[.*\])$/.test(mig)))
    return err(unreadable(line));
  return ok({
    index: Number(index),
    uuid,
    product: fields.slice(2, -behind).join(', '),
    memorySizeBytes: /^\d{1,9}$/.test(memory) && mig !== 'Enabled' ? Number(memory) * MIB : null,
    computeCapability: /^\d{1,2}\.\d$/.test(capability) ? Number(capability) : null,
    isCut: mig === 'Enabled',
  });
}

/** Those that CUDA_VISIBLE_DEVICES leaves, in its order: by index or the beginning of the UUID, up to the first unknown one. */
export function visibleSeats(
  seats: readonly GpuSeat[],
  visible: string | undefined,
): readonly GpuSeat[] {
  if (visible === undefined) return seats;
  const chosen: GpuSeat[] = [];
  for (const word of visible.split(',').map((part) => part.trim())) {
    const found = seats.find(({ index, uuid }) =>
      /^\d+$/.test(word) ? index === Number(word) : word.length > 4 && uuid.startsWith(word),
    );
    if (found === undefined || chosen.includes(found)) break;
    chosen.push(found);
  }
  return chosen;
}

/** How many engines, and on which GPUs: spread, so that no GPU waits while another has two jobs. */
export function planEngines(seats: readonly GpuSeat[], needs: EngineNeeds): EnginePlan {
  const { device, slots, model, wishes, cores } = needs;
  if (device === 'cpu') return onCpu(slots, 'transcribe.device is cpu');
  if (seats.length === 0) return onCpu(slots, 'no GPU is seen');
  const choices = seats.map((seat) =>
    chooseEngine(seat, model, wishes, Math.floor(cores / seats.length)),
  );
  const rounds = Math.max(...choices.map(({ enginesPerGpu }) => enginesPerGpu));
  const all = Array.from({ length: rounds }, (_, round) =>
    seats.filter((_seat, i) => (choices[i]?.enginesPerGpu ?? 0) > round),
  ).flat();
  const count = slots === 'auto' ? all.length : slots;
  const placed = Array.from(
    { length: count },
    (_, i) => (i < all.length ? all[i] : seats[i % seats.length]) ?? null,
  );
  const words = seats.map((seat, i) => {
    const engines = placed.filter((of) => of === seat).length;
    return `${seatWords(seat)}: ${engines} ${engines === 1 ? 'engine' : 'engines'}${slots === 'auto' ? '' : ' as set'}, ${choices[i]?.reason}`;
  });
  return { seats: placed, words: `${model} on ${words.join('; ')}` };
}

/** Where a ladder begins for a model on a seat. */
export function firstRung(
  seat: GpuSeat | null,
  model: string,
  wishes: EngineWishes,
  cores: number,
): Rung {
  if (seat !== null) return chooseEngine(seat, model, wishes, cores);
  const { computeType, batchSize } = wishes;
  return { computeType, batchSize: batchSize === 'auto' ? BATCH_SIZE_CPU : batchSize };
}

function seatWords({ index, product, isCut }: GpuSeat): string {
  return `GPU ${index} (${product}${isCut ? ', cut by MIG' : ''})`;
}

function onCpu(slots: number | 'auto', why: string): EnginePlan {
  const count = slots === 'auto' ? 1 : slots;
  return { seats: Array.from({ length: count }, () => null), words: `the CPU, since ${why}` };
}

function unreadable(line: string): string {
  return `nvidia-smi answered "${line.slice(0, 60)}" where a GPU with its memory was expected`;
}
