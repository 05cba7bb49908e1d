import { describe, expect, it } from 'vitest';
import { PLANTS } from './plants.ts';
import { runSeed, type SeedResult } from './run.ts';
import { runSeeds } from './seeds.ts';

const SEEDS = 500;
/** A minute of two cores, however many others share them. */
const CPU_MS_MAX = 2 * 60_000;
/** Each planted fault is noticed within so many seeds. */
const CAUGHT_WITHIN = 120;
/** Seeds of each planted fault's world, without the fault. */
const SOUND_SEEDS = 3;

/** What must be said of each planted fault: the sentence that it makes untrue. */
const SAID: { readonly [plant: string]: RegExp } = {
  'no token check': /came from the token that held the lock|Accepted is answered only/,
  'kv.update without a revision': /never forgotten|held the lock|Two leaders|Losses|A token is/,
  'TTL dropped on renewal': /it is running soon|Everything becomes done/,
  'no grace after take-over': /led for less than one TTL/,
  "a deposed leader's stale write": /Nobody writes who is not sure to lead/,
  'a duplicate verdict after done': /accepted again and again|never answered fenced/,
  'a committed lock revoked': /never forgotten/,
  'goodbye before result': /judged before its lock is revoked/,
  'restart with the same agent id': /begun at most once/,
  'retry asked between commit and done': /never forgotten/,
  'promoter paused between link and re-read': /readable names show the newest/,
  'cluster id ignored':
    /begun at most once|finished staging folder|Everything becomes done|running soon/,
  'a timed-out CAS landing late': /counted twice|only for what is committed/,
  'library unmounted': /only for what failed|judged before/,
  'a host’s patience counted as a failure': /only for what failed/,
  'losses not counted': /Losses are counted/,
  'a reader of a half-published attempt': /never sees a part/,
  'a checkpoint taken for a leftover': /checkpoint of the current run is never swept/,
};

async function firstFailure(plant: string): Promise<SeedResult | null> {
  for (let seed = 1; seed <= CAUGHT_WITHIN; seed += 1) {
    const result = await runSeed(seed, PLANTS[plant]);
    if (result.violations.length > 0) return result;
  }
  return null;
}

describe('the simulated fleet', () => {
  it(`holds every invariant in ${SEEDS} seeds, within a minute of two cores`, {
    timeout: 600_000,
  }, async () => {
    const before = process.cpuUsage();
    const { failure, through, accepted } = await runSeeds({ start: 1, count: SEEDS });
    expect(failure === null ? [] : [`seed ${failure.seed}`, ...failure.violations]).toEqual([]);
    expect(through).toBe(SEEDS);
    // Worlds in which nothing gets done would hold anything.
    expect(accepted).toBeGreaterThan(SEEDS * 5);
    const { user, system } = process.cpuUsage(before);
    expect((user + system) / 1_000).toBeLessThan(CPU_MS_MAX);
  });

  it('goes on in mid-job, after a loss, from what an earlier attempt left', async () => {
    const goesOn = async (seed: number) =>
      (await runSeed(seed, { trace: true })).trace.join('\n').includes('goes on from a checkpoint');
    let seed = 1;
    while (seed <= CAUGHT_WITHIN && !(await goesOn(seed))) seed += 1;
    expect(seed).toBeLessThanOrEqual(CAUGHT_WITHIN);
  });

  it('does the same again for the same seed, to the last word of the trace', async () => {
    const [once, again, other] = [
      await runSeed(7, { trace: true }),
      await runSeed(7, { trace: true }),
      await runSeed(8, { trace: true }),
    ];
    expect(again).toEqual(once);
    expect(other.trace).not.toEqual(once.trace);
  });
});

describe('a planted fault is noticed', () => {
  it.each(Object.keys(PLANTS))('%s', async (plant) => {
    const failure = await firstFailure(plant);
    expect(failure?.violations[0]).toMatch(SAID[plant] ?? /nothing is said of it/);
  });

  it.each(Object.keys(PLANTS))('and its world is sound without it: %s', async (name) => {
    const { schedule, shape } = PLANTS[name] ?? {};
    const options = {
      ...(schedule === undefined ? {} : { schedule }),
      ...(shape === undefined ? {} : { shape }),
    };
    for (let seed = 1; seed <= SOUND_SEEDS; seed += 1)
      expect((await runSeed(seed, options)).violations).toEqual([]);
  });
});
