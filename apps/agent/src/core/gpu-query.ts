import { GPU_LIMITS, type Gpu, plainLine } from '@podctl/domain/gpu.ts';
import { err, ok, type Result } from '@podctl/domain/result.ts';

/** What `nvidia-smi` is asked, in the order in which `gpuRow` reads it. */
export const GPU_QUERY = [
  '--query-gpu=index,uuid,name,driver_version,memory.total,memory.used,utilization.gpu,temperature.gpu,power.draw',
  '--format=csv,noheader,nounits',
] as const;

/** The longest that was seen has 130 characters. */
export const ROW_LENGTH_MAX = 1_000;

const FIELDS_MIN = 9;
/** Behind the name, which may hold commas itself. */
const FIELDS_BEHIND_NAME = 6;
const MIB = 1_024 * 1_024;
const QUOTE_LENGTH_MAX = 60;

/** `lost`: the driver lists the GPU and says that it cannot reach it. */
export type GpuRow =
  | { readonly kind: 'gpu'; readonly gpu: Gpu }
  | { readonly kind: 'lost'; readonly index: number };

/**
 * Reads one line of the answer to GPU_QUERY; a sentence of what is wrong with it where it is none. Never throws.
 * Memory is told in MiB, utilization in percent. Words in brackets stand for what is not told (`[N/A]`,
 * `[Not Supported]`, `[Insufficient Permissions]`, `[Unknown Error]`): absent, never 0.
 */
export function gpuRow(line: string): Result<GpuRow, string> {
  if (line.length > ROW_LENGTH_MAX)
    return err(
      `a line of nvidia-smi has ${line.length} characters, at most ${ROW_LENGTH_MAX} are read`,
    );
  const fields = line.split(',').map((field) => field.trim());
  const [index = '', uuid = ''] = fields;
  if (fields.length < FIELDS_MIN || !isIndex(index)) return err(unreadable(line));
  const driver = fields.at(-FIELDS_BEHIND_NAME) ?? '';
  const figures = fields.slice(-FIELDS_BEHIND_NAME + 1);
  if (figures.some((figure) => /^\[?GPU is lost/i.test(figure)))
    return ok({ kind: 'lost', index: Number(index) });
  if (!figures.every(isFigure)) return err(unreadable(line));
  const [total, used, utilization, temperature, power] = figures.map(figureOf);
  const { memoryBytesMax, temperatureCelsiusMin, temperatureCelsiusMax, powerWattsMax } =
    GPU_LIMITS;
  const gpu: Gpu = {
    index: Number(index),
    uuid: wordOf(uuid, GPU_LIMITS.uuidLengthMax),
    product: wordOf(fields.slice(2, -FIELDS_BEHIND_NAME).join(', '), GPU_LIMITS.productLengthMax),
    driver: wordOf(driver, GPU_LIMITS.driverLengthMax),
    backend: 'cuda',
    memorySizeBytes: within(total, MIB, 0, memoryBytesMax),
    memoryUsedBytes: within(used, MIB, 0, memoryBytesMax),
    utilizationRatio: within(utilization, 0.01, 0, 1),
    temperatureCelsius: within(temperature, 1, temperatureCelsiusMin, temperatureCelsiusMax),
    powerWatts: within(power, 1, 0, powerWattsMax),
  };
  return ok({ kind: 'gpu', gpu });
}

function isIndex(field: string): boolean {
  return /^\d{1,4}$/.test(field) && Number(field) <= GPU_LIMITS.indexMax;
}

function isAbsent(field: string): boolean {
  return /^\[.*\]$/.test(field) || field === 'N/A' || field === '';
}

function isFigure(field: string): boolean {
  return isAbsent(field) || /^-?\d{1,12}(\.\d{1,6})?$/.test(field);
}

function figureOf(field: string): number | null {
  return isAbsent(field) ? null : Number(field);
}

/** A figure that cannot be is not known: a driver at its end has told 511 °C or 10,000 %. */
function within(
  figure: number | null | undefined,
  unit: number,
  min: number,
  max: number,
): number | null {
  if (figure === null || figure === undefined) return null;
  // Rounded, since a hundredth is no binary fraction: 0.07 and not 0.07000000000000001.
  const value = Number((figure * unit).toPrecision(12));
  return value >= min && value <= max ? value : null;
}

function wordOf(field: string, lengthMax: number): string {
  return isAbsent(field) ? '' : plainLine(field, lengthMax);
}

function unreadable(line: string): string {
  const quoted = plainLine(line, QUOTE_LENGTH_MAX);
  return `nvidia-smi answered "${quoted}" where a line of nine figures about a GPU was expected`;
}
