import { parentPort } from 'node:worker_threads';
import { invariant } from '@podctl/domain/result.ts';
import { PLANTS } from './plants.ts';
import { runSeed, type SeedResult } from './run.ts';

/** What a thread is asked: to run these seeds, one after the other, until one fails. */
export interface SeedTask {
  readonly start: number;
  readonly count: number;
  readonly trace: boolean;
  /** Name of a planted fault; null for the product as it is. */
  readonly plant: string | null;
}

export type SeedReply = readonly SeedResult[];

async function run({ start, count, trace, plant }: SeedTask): Promise<SeedReply> {
  const planted = plant === null ? null : (PLANTS[plant] ?? null);
  invariant(plant === null || planted !== null, `the fault ${plant} is known`);
  const results: SeedResult[] = [];
  for (let seed = start; seed < start + count; seed += 1) {
    const result = await runSeed(seed, { trace, ...planted });
    results.push(result);
    if (result.violations.length > 0) break;
  }
  return results;
}

parentPort?.on('message', (task: SeedTask) => {
  void run(task).then((reply) => parentPort?.postMessage(reply));
});
