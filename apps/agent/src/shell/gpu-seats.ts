import { ChildError } from '@podctl/platform/child/child-error.ts';
import { type Child, spawnChild } from '@podctl/platform/child/child-process.ts';
import type { Clock } from '@podctl/platform/clock.ts';
import { type GpuSeat, gpuSeat, TRAITS_QUERY_FIELDS } from '../core/engine-plan.ts';

/** A driver in trouble lets it hang: then the engines find out what there is. */
const ANSWER_MS_MAX = 5_000;
const LINES_MAX = 100;

export interface SeatsOptions {
  readonly clock: Clock;
  /** The whole environment: `nvidia-smi` is looked for on its PATH. */
  readonly env: NodeJS.ProcessEnv;
  readonly log: (line: string) => void;
}

/** The GPUs of this machine, before engines are made; empty where nvidia-smi is missing, silent or tells of none. */
export async function gpuSeats(
  options: SeatsOptions,
  signal: AbortSignal,
): Promise<readonly GpuSeat[]> {
  for (const [i, fields] of TRAITS_QUERY_FIELDS.entries()) {
    const lines = await ask(options, fields, signal);
    const seats = lines.flatMap((line) => {
      const seat = gpuSeat(line, i === 0);
      return seat.ok ? [seat.value] : [];
    });
    if (seats.length > 0 || signal.aborted) return seats;
  }
  return [];
}

async function ask(
  { clock, env, log }: SeatsOptions,
  fields: string,
  signal: AbortSignal,
): Promise<readonly string[]> {
  const lines: string[] = [];
  let child: Child;
  try {
    child = await spawnChild({
      name: 'nvidia-smi',
      command: 'nvidia-smi',
      args: [`--query-gpu=${fields}`, '--format=csv,noheader,nounits'],
      tie: 'shell',
      env: { ...env, LC_ALL: 'C' },
      stdout: 'lines',
      log,
    });
  } catch (error) {
    if (error instanceof ChildError) return lines;
    throw error;
  }
  const over = new AbortController();
  const late = clock
    .sleep(ANSWER_MS_MAX, AbortSignal.any([signal, over.signal]))
    .then(() => child.kill())
    .catch(() => (signal.aborted ? child.kill() : undefined));
  try {
    for await (const line of child.lines)
      if (line.kind === 'line' && lines.length < LINES_MAX) lines.push(line.text);
    await child.exited;
  } catch {
    // A pipe that breaks is an end like any other.
  } finally {
    over.abort();
    await late;
  }
  return lines;
}
