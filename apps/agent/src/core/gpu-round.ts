import { GPU_LIMITS, type Gpu, plainLine } from '@podctl/domain/gpu.ts';
import type { Result } from '@podctl/domain/result.ts';
import { type GpuRow, gpuRow } from './gpu-query.ts';
import type { GpuSight } from './gpu-state.ts';

const SAID_LENGTH_MAX = 200;
/** `infoROM is corrupted`, in the table of its manual. */
const FIRMWARE_WORN = 14;

/** The lines of one look at all GPUs, as far as they have come. */
export interface GpuRound {
  readonly gpus: readonly Gpu[];
  /** Of the newest line; -1 before the first. */
  readonly index: number;
  readonly lines: number;
  /** The first line that could not be read: then a GPU that is missing may be the one that it told of. */
  readonly problem: string | null;
}

export const EMPTY_ROUND: GpuRound = { gpus: [], index: -1, lines: 0, problem: null };

/**
 * Takes one line more. Nothing stands between two looks: one is whole when it has as many lines as the one before it
 * (`expected`), or when the driver counts from the beginning again.
 *
 * @returns the round as it is now, and the one that this line completed.
 */
export function withLine(
  round: GpuRound,
  line: string,
  expected: number,
): { readonly round: GpuRound; readonly whole: GpuRound | null } {
  if (isRemark(line)) return { round, whole: null };
  const row = gpuRow(line);
  const begins = isNext(round, row);
  const grown = withRow(begins ? EMPTY_ROUND : round, row);
  // Told again with each line more than expected: then a GPU has come.
  if (grown.lines >= expected) return { round: grown, whole: grown };
  return { round: grown, whole: begins && round.lines < expected ? round : null };
}

/** It warns of a worn part of the firmware on its stdout, and ends with 14: the GPUs work all the same. */
function isRemark(line: string): boolean {
  return line.trim() === '' || /^\s*WARNING/i.test(line);
}

function isNext(round: GpuRound, row: Result<GpuRow, string>): boolean {
  return row.ok && round.lines > 0 && indexOf(row.value) <= round.index;
}

function indexOf(row: GpuRow): number {
  return row.kind === 'gpu' ? row.gpu.index : row.index;
}

function withRow(round: GpuRound, row: Result<GpuRow, string>): GpuRound {
  const lines = round.lines + 1;
  if (!row.ok) return { ...round, lines, problem: round.problem ?? row.error };
  const index = indexOf(row.value);
  const isRoom = round.gpus.length < GPU_LIMITS.gpusMax;
  if (row.value.kind === 'lost' || !isRoom) return { ...round, lines, index };
  return { ...round, lines, index, gpus: [...round.gpus, row.value.gpu] };
}

/** What a round of the lasting child shows. */
export function sightOf({ gpus, problem }: GpuRound): GpuSight {
  return gpus.length === 0 && problem !== null
    ? { kind: 'broken', reason: problem }
    : { kind: 'round', gpus, isWhole: problem === null };
}

/** How a child came to its end. */
export interface ProgramEnd {
  /** Null when a signal ended it. */
  readonly code: number | null;
  readonly lines: readonly string[];
  readonly stderr: string;
}

/** What the answer to a single query shows. */
export function sightOfQuery({ code, lines, stderr }: ProgramEnd): GpuSight {
  const round = lines
    .filter((line) => !isRemark(line))
    .reduce((grown, line) => withRow(grown, gpuRow(line)), EMPTY_ROUND);
  if ((code === 0 || code === FIRMWARE_WORN) && round.lines > 0) return sightOf(round);
  const words = [...lines, ...stderr.split('\n')]
    .map((line) => plainLine(line, SAID_LENGTH_MAX))
    .filter((line) => !isRemark(line));
  // The shell that starts it says so; a library that is not found ends it with 127 as well.
  if (code === 127 && words.some((line) => /nvidia-smi: (command )?not found/.test(line)))
    return { kind: 'missing' };
  const sentence = words.find((line) => !gpuRow(line).ok);
  if (sentence === undefined) {
    const end = code === null ? 'was killed' : `ended with code ${code}`;
    return { kind: 'broken', reason: `nvidia-smi ${end} and told of no GPU` };
  }
  if (/^No devices were found/i.test(sentence)) return { kind: 'absent', reason: sentence };
  return { kind: 'broken', reason: withAdvice(sentence) };
}

/** What to do about what nvidia-smi says most often. */
const ADVICE: readonly (readonly [RegExp, string])[] = [
  [
    /version mismatch/i,
    'the driver was updated beside the kernel module that is loaded: restart the machine',
  ],
  [
    /communicate with the NVIDIA driver/i,
    'install the driver, or load its kernel module (modprobe nvidia)',
  ],
  [/Insufficient Permissions/i, 'add the agent’s user to the groups video and render'],
  [
    /initialize NVML: Unknown Error/i,
    'a container loses its GPUs when systemd is reloaded on its host: start the container anew',
  ],
  [/libnvidia-ml/i, 'the driver’s library is not there: install the driver whole'],
  [/GPU is lost|device handle/i, 'a GPU has fallen off the bus: restart the machine'],
];

function withAdvice(sentence: string): string {
  const found = ADVICE.find(([pattern]) => pattern.test(sentence));
  return found === undefined ? sentence : `${sentence.replace(/[.\s]+$/, '')}; ${found[1]}`;
}

/** For a program that does not answer. */
export function hungSight(silentMs: number): GpuSight {
  return {
    kind: 'broken',
    reason: `nvidia-smi hangs: it said nothing for ${silentMs / 1_000} s; look for NVRM and Xid in the kernel’s log (dmesg)`,
  };
}
