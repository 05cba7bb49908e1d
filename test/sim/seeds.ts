import { availableParallelism } from 'node:os';
import { Worker } from 'node:worker_threads';
import type { SeedResult } from './run.ts';
import type { SeedReply, SeedTask } from './seed-worker.ts';

export interface SeedsAsked {
  readonly start: number;
  readonly count: number;
  readonly trace?: boolean;
  readonly plant?: string;
  /** Told after each batch how many seeds are through. */
  readonly progress?: (through: number) => void;
}

export interface SeedsDone {
  readonly through: number;
  readonly virtualMs: number;
  readonly events: number;
  readonly accepted: number;
  /** The failing one with the lowest number; null when every invariant held in every seed. */
  readonly failure: SeedResult | null;
}

const BATCH = 5;

/** Runs seeds on all cores, and ends at the first failure. */
export async function runSeeds(asked: SeedsAsked): Promise<SeedsDone> {
  const { start, count, trace = false, plant = null, progress = () => {} } = asked;
  const results: SeedResult[] = [];
  let next = start;
  let hasFailed = false;
  const takeTask = (): SeedTask | null => {
    const left = start + count - next;
    if (left <= 0 || hasFailed) return null;
    const task = { start: next, count: Math.min(BATCH, left), trace, plant };
    next += task.count;
    return task;
  };
  const oneThread = async () => {
    const worker = new Worker(new URL('./seed-worker.ts', import.meta.url));
    try {
      for (let task = takeTask(); task !== null; task = takeTask()) {
        const reply = await ask(worker, task);
        results.push(...reply);
        hasFailed ||= reply.some(({ violations }) => violations.length > 0);
        progress(results.length);
      }
    } finally {
      await worker.terminate();
    }
  };
  const threads = Math.min(availableParallelism(), Math.ceil(count / BATCH));
  await Promise.all(Array.from({ length: threads }, oneThread));
  return summary(results);
}

function ask(worker: Worker, task: SeedTask): Promise<SeedReply> {
  const { promise, resolve, reject } = Promise.withResolvers<SeedReply>();
  worker.once('message', resolve);
  worker.once('error', reject);
  worker.postMessage(task);
  return promise.finally(() => worker.off('error', reject));
}

function summary(results: readonly SeedResult[]): SeedsDone {
  const sum = (of: (result: SeedResult) => number) =>
    results.reduce((total, result) => total + of(result), 0);
  const failures = results.filter(({ violations }) => violations.length > 0);
  return {
    through: results.length,
    virtualMs: sum(({ virtualMs }) => virtualMs),
    events: sum(({ events }) => events),
    accepted: sum(({ accepted }) => accepted),
    failure: failures.sort((a, b) => a.seed - b.seed)[0] ?? null,
  };
}
