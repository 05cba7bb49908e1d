import { parseArgs } from 'node:util';
import { PLANTS } from './plants.ts';
import type { SeedResult } from './run.ts';
import { runSeeds, type SeedsAsked } from './seeds.ts';

const USAGE = 'sim [--seeds N] [--start S] [--trace] [--plant NAME]';
const TRACE_LINES = 60;

/** Prints how it goes, and of a failure all that is needed to see it again. Resolves to the exit code. */
async function main(args: readonly string[]): Promise<number> {
  const asked = askedBy(args);
  if (asked === null) {
    console.error(`${USAGE}\nplanted faults: ${Object.keys(PLANTS).join(', ')}`);
    return 2;
  }
  const beganMs = performance.now();
  const progress = (through: number) => {
    if (process.stderr.isTTY) process.stderr.write(`\r${through} of ${asked.count} seeds`);
  };
  const done = await runSeeds({ ...asked, progress });
  const seconds = (performance.now() - beganMs) / 1_000;
  if (process.stderr.isTTY) process.stderr.write('\r');
  if (done.failure !== null) tell(done.failure, asked);
  const hours = (done.virtualMs / 3_600_000).toFixed(1);
  const rate = (done.through / seconds).toFixed(1);
  console.log(
    `${done.through} seeds from ${asked.start} on: ${hours} hours of virtual time, ${done.events} events, ${done.accepted} results accepted, in ${seconds.toFixed(1)} s (${rate} seeds/s).`,
  );
  console.log(done.failure === null ? 'Every invariant held in every seed.' : 'FAILED');
  return done.failure === null ? 0 : 1;
}

function askedBy(args: readonly string[]): SeedsAsked | null {
  try {
    const { values } = parseArgs({
      args: [...args],
      options: {
        seeds: { type: 'string', default: '500' },
        start: { type: 'string', default: '1' },
        trace: { type: 'boolean', default: false },
        plant: { type: 'string' },
      },
    });
    const count = Number(values.seeds);
    const start = Number(values.start);
    const { trace, plant } = values;
    if (!Number.isSafeInteger(count) || !Number.isSafeInteger(start) || count < 1) return null;
    if (plant !== undefined && PLANTS[plant] === undefined) return null;
    return { count, start, trace, ...(plant === undefined ? {} : { plant }) };
  } catch {
    return null;
  }
}

function tell({ seed, violations, trace }: SeedResult, asked: SeedsAsked): void {
  console.log((asked.trace ? trace : trace.slice(-TRACE_LINES)).join('\n'));
  for (const violation of violations) console.log(`\nSeed ${seed} violates:\n  ${violation}`);
  const plant = asked.plant === undefined ? '' : ` --plant ${asked.plant}`;
  console.log(
    `\nReplay with the whole trace: npm run sim -- --seeds 1 --start ${seed} --trace${plant}\n`,
  );
}

process.exitCode = await main(process.argv.slice(2));
