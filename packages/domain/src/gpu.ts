/** A GPU as its machine tells of it. A figure that the machine will not tell is null, and never 0. */
export interface Gpu {
  /** Counted from 0, as the driver counts; it may change at a restart. */
  readonly index: number;
  /** Empty when it is not told. */
  readonly uuid: string;
  readonly product: string;
  /** Empty when it is not told. */
  readonly driver: string;
  /** What it computes with: `cuda`; probes of other makers name their own. */
  readonly backend: string;
  readonly memorySizeBytes: number | null;
  readonly memoryUsedBytes: number | null;
  /** 0 to 1: the share of the last moments in which it was at work. */
  readonly utilizationRatio: number | null;
  readonly temperatureCelsius: number | null;
  readonly powerWatts: number | null;
}

/**
 * What a heartbeat may carry. The agent keeps to it, or its own heartbeat would be refused; the coordinator refuses what
 * does not. Wide enough for every machine that there is: the largest hold 16 GPUs, the hottest tell 110 °C.
 */
export const GPU_LIMITS = {
  gpusMax: 64,
  indexMax: 1_023,
  /** `GPU-` and 36 characters; `MIG-` alike. */
  uuidLengthMax: 64,
  productLengthMax: 96,
  driverLengthMax: 32,
  backendLengthMax: 16,
  memoryBytesMax: 1e15,
  temperatureCelsiusMin: -273,
  temperatureCelsiusMax: 1_000,
  powerWattsMax: 100_000,
} as const;

/** What was measured is left out: it is not known any more. */
export function withoutFigures(gpu: Gpu): Gpu {
  return {
    ...gpu,
    memoryUsedBytes: null,
    utilizationRatio: null,
    temperatureCelsius: null,
    powerWatts: null,
  };
}

/** Text of a program or of another machine in one line of at most `lengthMax` characters, without what steers a terminal. */
export function plainLine(text: string, lengthMax: number): string {
  return text
    .slice(0, 2 * lengthMax)
    .replace(/[\p{Cc}\u061c\u200e\u200f\u2028\u2029\u202a-\u202e\u2066-\u2069\p{Cs}]+/gu, ' ')
    .trim()
    .slice(0, lengthMax)
    .toWellFormed();
}
