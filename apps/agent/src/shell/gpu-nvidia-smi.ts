import { backoffMs } from '@podctl/domain/retry.ts';
import { ChildError } from '@podctl/platform/child/child-error.ts';
import { type Child, spawnChild } from '@podctl/platform/child/child-process.ts';
import type { Clock } from '@podctl/platform/clock.ts';
import { GPU_QUERY, ROW_LENGTH_MAX } from '../core/gpu-query.ts';
import { EMPTY_ROUND, hungSight, sightOf, sightOfQuery, withLine } from '../core/gpu-round.ts';
import type { GpuSight } from '../core/gpu-state.ts';
import type { GpuProbe } from './gpu-probe.ts';

export interface NvidiaSmiOptions {
  readonly clock: Clock;
  readonly random: () => number;
  /** Takes what it writes to stderr. */
  readonly log: (line: string) => void;
  /** The whole environment: `nvidia-smi` is looked for on its PATH. */
  readonly env: NodeJS.ProcessEnv;
}

/** 0.02 to 0.65 s were told of by users (anderskm/gputil#14, aristocratos/bpytop#26). */
const QUERY_MS_MAX = 5_000;
const INTERVAL_S = 5;
/** Three intervals without a line: it hangs. */
const SILENT_MS_MAX = 3 * INTERVAL_S * 1_000;
/**
 * A child that lasts keeps its devices open, so it goes on seeing what a new process could not open any more (a container
 * after a reload of systemd on its host: NVIDIA/nvidia-container-toolkit#251). So a new one looks each minute.
 */
const LIFE_MS = 60_000;
const BACKOFF = { backoffFirstMs: 1_000, backoffMaxMs: 60_000 };
/** One that hangs in the driver may outlive its KILL: no more of them than this are left behind. */
const HANGS_MAX = 5;
/** 64 GPUs, and some words. */
const QUERY_LINES_MAX = 100;
const STOP_MS_MAX = 500;

/**
 * What became of one look.
 *   missing  there is no program
 *   hung     the single query was not answered
 *   ended    it failed; or the child that lasts ended by itself, or fell silent
 *   over     the child's time was over, or the signal came
 */
type Outcome = 'missing' | 'hung' | 'ended' | 'over';

/**
 * nvidia-smi: a single query, then a child that repeats it every 5 s for a minute, and so on. A query that fails and a
 * child that ends by itself are followed by a pause, longer each time. Hanging again and again, it is asked no more.
 */
export class NvidiaSmi implements GpuProbe {
  readonly #options: NvidiaSmiOptions;

  constructor(options: NvidiaSmiOptions) {
    this.#options = options;
  }

  async run(see: (sight: GpuSight) => void, signal: AbortSignal): Promise<void> {
    const { clock, random, log } = this.#options;
    let hangs = 0;
    let ends = 0;
    for (let looks = 1; !signal.aborted && hangs < HANGS_MAX; looks += 1) {
      const outcome = await this.#look(see, signal);
      if (outcome === 'missing' && looks === 1) return;
      hangs = outcome === 'hung' ? hangs + 1 : 0;
      ends = outcome === 'over' ? 0 : ends + 1;
      if (ends > 0)
        await clock.sleep(backoffMs(ends, BACKOFF, random()), signal).catch(() => undefined);
    }
    if (!signal.aborted) log(`nvidia-smi hung ${HANGS_MAX} times in a row: it is asked no more`);
  }

  async #look(see: (sight: GpuSight) => void, signal: AbortSignal): Promise<Outcome> {
    const { sight, hung } = await this.#query(signal);
    if (signal.aborted) return 'over';
    see(sight);
    if (hung) return 'hung';
    if (sight.kind === 'missing') return 'missing';
    const rows = sight.kind === 'round' ? sight.gpus.length : 0;
    return rows > 0 ? this.#follow(rows, see, signal) : 'ended';
  }

  async #query(signal: AbortSignal): Promise<{ readonly sight: GpuSight; readonly hung: boolean }> {
    const child = await this.#spawn([...GPU_QUERY]);
    if (child === null) return { sight: UNSTARTED, hung: false };
    const lines: string[] = [];
    const read = reading(child, (line) => {
      if (lines.length < QUERY_LINES_MAX) lines.push(line);
    });
    const ended = read.then(() => child.exited);
    const hung = !(await this.#within(QUERY_MS_MAX, ended, signal));
    if (hung) child.kill();
    const { code, stderrTail: stderr } = await child.exited;
    return { sight: hung ? hungSight(QUERY_MS_MAX) : sightOfQuery({ code, lines, stderr }), hung };
  }

  /** A child that repeats the query; `rows`: as many GPUs as the single query told of. */
  async #follow(
    rows: number,
    see: (sight: GpuSight) => void,
    signal: AbortSignal,
  ): Promise<'ended' | 'over'> {
    const { clock } = this.#options;
    const child = await this.#spawn([...GPU_QUERY, '-l', String(INTERVAL_S)]);
    if (child === null) return 'ended';
    let heardMs = clock.monotonicMs();
    const overMs = heardMs + LIFE_MS;
    let round = EMPTY_ROUND;
    let isOver = false;
    const read = reading(child, (line) => {
      heardMs = clock.monotonicMs();
      const next = withLine(round, line, rows);
      round = next.round;
      if (next.whole !== null && !isOver && !signal.aborted) see(sightOf(next.whole));
    });
    const leftMs = () => Math.min(overMs, heardMs + SILENT_MS_MAX) - clock.monotonicMs();
    let ended = false;
    while (!ended && !signal.aborted && leftMs() > 0)
      ended = await this.#within(leftMs(), read, signal);
    const isSilent = !signal.aborted && clock.monotonicMs() - heardMs >= SILENT_MS_MAX;
    isOver = true;
    // The shell beside it takes the KILL in any case, so this never waits for what hangs in the driver.
    await child.stop({ graceMs: STOP_MS_MAX });
    if (isSilent && !ended) see(hungSight(SILENT_MS_MAX));
    return isSilent || ended ? 'ended' : 'over';
  }

  /** False when the time or the signal came first. */
  async #within(ms: number, work: Promise<unknown>, signal: AbortSignal): Promise<boolean> {
    const done = new AbortController();
    const limit = this.#options.clock
      .sleep(ms, AbortSignal.any([signal, done.signal]))
      .catch(() => undefined)
      .then(() => false);
    const first = await Promise.race([work.then(() => true), limit]);
    done.abort();
    return first;
  }

  /** Null when not even a shell can be started. */
  async #spawn(args: readonly string[]): Promise<Child | null> {
    const { env, log } = this.#options;
    try {
      return await spawnChild({
        name: 'nvidia-smi',
        command: 'nvidia-smi',
        args,
        // It knows nothing of its parent, and must not outlive it.
        tie: 'shell',
        // Its words are matched: no other language.
        env: { ...env, LC_ALL: 'C' },
        stdout: 'lines',
        log,
        lineBytesMax: 4 * ROW_LENGTH_MAX,
      });
    } catch (error) {
      if (!(error instanceof ChildError)) throw error;
      log(error.message);
      return null;
    }
  }
}

const UNSTARTED: GpuSight = {
  kind: 'broken',
  reason:
    'nvidia-smi could not be started: there is no sh to start it with, or no room for a process',
};

/** Gives each line on, one too long as one that cannot be read. Resolves at the end of its output; never rejects. */
async function reading(child: Child, take: (line: string) => void): Promise<void> {
  try {
    for await (const line of child.lines)
      take(line.kind === 'line' ? line.text : `a line of ${line.sizeBytes} bytes`);
  } catch {
    // A pipe that breaks is an end like any other.
  }
}
