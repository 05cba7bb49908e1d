import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import fc, { type Arbitrary } from 'fast-check';
import { afterAll, expect } from 'vitest';

/** How often each property runs in `npm run test:fuzz`; unset in the usual run. */
const asked = process.env.PODCTL_FUZZ_RUNS;
const tried = new Map<string, number>();
const MIB = 1_024 * 1_024;

/** Of what one property costs: a request over a socket takes a hundred times as long as a decoded message. */
export interface Effort {
  /** In the usual run. */
  readonly usual: number;
  /** Of the asked number this one takes one in so many; 1 when left out. */
  readonly oneIn?: number;
}

/** How many inputs a property tries in this run. */
export function runsOf({ usual, oneIn = 1 }: Effort): number {
  if (asked === undefined) return usual;
  return Math.max(1, Math.ceil(Number(asked) / oneIn));
}

/** Checks one property and counts its inputs for the target. A failure names the seed and the path that make it again. */
export async function holds<T>(
  target: string,
  effort: Effort,
  inputs: Arbitrary<T>,
  claim: (input: T) => void | Promise<void>,
): Promise<void> {
  const property = fc.asyncProperty(inputs, async (input) => {
    tried.set(target, (tried.get(target) ?? 0) + 1);
    await claim(input);
  });
  await fc.assert(property, { numRuns: runsOf(effort), maxSkipsPerRun: 0 });
}

/** Counts inputs that go in many at a time. */
export function triedMore(target: string, count: number): void {
  tried.set(target, (tried.get(target) ?? 0) + count);
}

afterAll(() => {
  for (const [target, count] of tried)
    process.stdout.write(`fuzz: ${target}: ${count.toLocaleString('en-US')} inputs tried\n`);
});

setFlagsFromString('--expose-gc');
const collect: () => void = runInNewContext('gc');

/** Live bytes of the heap and of buffers outside it, after a full collection. */
export async function liveBytes(): Promise<number> {
  for (let round = 0; round < 3; round += 1) {
    await new Promise((resolve) => setImmediate(resolve));
    collect();
  }
  const { heapUsed, external } = process.memoryUsage();
  return heapUsed + external;
}

/** Fails when more than so much stays alive after the work than before it. */
export async function keepsWithin(mibMax: number, work: () => Promise<void>): Promise<void> {
  const before = await liveBytes();
  await work();
  const grownMib = ((await liveBytes()) - before) / MIB;
  expect(grownMib, 'MiB that stay alive').toBeLessThan(mibMax);
}
