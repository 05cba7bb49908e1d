import { writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Fleet } from './fleet.ts';
import { type Counts, countsOf, wrongs } from './ledger.ts';
import type { Scenario, Seen } from './scenario.ts';

interface Played {
  readonly scenario: Scenario;
  readonly tookMs: number;
  readonly recoveredMs: number | null;
  readonly counts: Counts;
  readonly notes: readonly string[];
  readonly wrongs: readonly string[];
}

export type Result =
  | (Played & { readonly kind: 'passed' | 'failed' })
  | { readonly kind: 'skipped'; readonly scenario: Scenario; readonly why: string };

const LINES_KEPT = 5_000;

/** One after the other, in one fleet, until one of them fails: the next gets a new fleet. */
export async function play(
  scenarios: readonly Scenario[],
  tell: (result: Result) => void,
): Promise<Result[]> {
  const results: Result[] = [];
  let fleet: Fleet | null = null;
  let engine: Scenario['engine'] | null = null;
  try {
    for (const scenario of scenarios) {
      const why = (await scenario.impossible?.()) ?? null;
      let result: Result;
      if (why !== null) result = { kind: 'skipped', scenario, why };
      else {
        if (engine !== scenario.engine) {
          await fleet?.end();
          fleet = null;
        }
        engine = scenario.engine;
        fleet ??= await Fleet.begin(engine);
        result = await playOne(fleet, scenario);
      }
      results.push(result);
      tell(result);
      if (result.kind === 'failed') {
        await fleet?.end();
        fleet = null;
      }
    }
  } finally {
    await fleet?.end();
  }
  return results;
}

async function playOne(fleet: Fleet, scenario: Scenario): Promise<Result> {
  const beganMs = performance.now();
  const seen = await scenario.play(fleet).catch((error: unknown): Seen => {
    const why = error instanceof Error ? error.message : String(error);
    return { recoveredMs: null, notes: [], wrongs: [why] };
  });
  const unseen = await fleet.recorder.complete().catch(() => -1);
  const counts = countsOf(fleet.recorder, beganMs);
  const found = [...seen.wrongs, ...wrongs(fleet.recorder), ...missed(scenario, seen, counts)];
  const notes = [...seen.notes];
  if (unseen !== 0) notes.push(`${unseen} revisions were never seen`);
  if (found.length > 0) notes.push(await keepLog(fleet, scenario));
  return {
    kind: found.length === 0 ? 'passed' : 'failed',
    scenario,
    tookMs: performance.now() - beganMs,
    recoveredMs: seen.recoveredMs,
    counts,
    notes,
    wrongs: found,
  };
}

function missed({ limitMs, until }: Scenario, seen: Seen, counts: Counts): string[] {
  const found: string[] = [];
  const { recoveredMs } = seen;
  if (limitMs !== null && recoveredMs !== null && recoveredMs > limitMs)
    found.push(`${until}: it took ${(recoveredMs / 1_000).toFixed(1)} s, not ${limitMs / 1_000} s`);
  if (counts.acceptedTwice > 0) found.push(`${counts.acceptedTwice} results were accepted twice`);
  if (counts.lost > 0) found.push(`${counts.lost} accepted results were lost`);
  return found;
}

/** Where to read what the processes said. */
async function keepLog(fleet: Fleet, { id }: Scenario): Promise<string> {
  const path = join(tmpdir(), `podctl-hosts-${id}.log`);
  await writeFile(path, fleet.lastWords(LINES_KEPT).join('\n'));
  return `what the processes said is in ${path}`;
}
