import { createHash } from 'node:crypto';
import { wordsOf } from './failpoints.ts';
import type { FeedServer } from './feed-server.ts';
import { inLodgings, type Lodging } from './lodging.ts';
import { SCENARIOS, type Scenario } from './scenario.ts';
import { TimedOut } from './watch.ts';
import type { Role, Strike, World } from './world.ts';

/** A strike and the scenarios that led to it, the preferred one first. */
export interface Case {
  readonly strike: Strike;
  readonly scenarios: readonly Scenario[];
}

export type Outcome =
  /** Killed there, started again, and nothing was untrue. */
  | { readonly kind: 'held' }
  /** None of the scenarios led to the point. */
  | { readonly kind: 'missed' }
  | { readonly kind: 'broken'; readonly wrongs: readonly string[] };

export interface Ending {
  readonly of: Case;
  readonly outcome: Outcome;
  readonly seconds: number;
}

const ROLES: readonly Role[] = ['coordinator', 'agent'];
const STRIKE_MS_MAX = 20_000;
/** How often a scenario is played for a point that none led to: which of two comes first may differ from run to run. */
const TRIES_MAX = 3;

/** `coordinator before state.cas download free->held`. */
export function nameOf({ role, point }: Strike): string {
  return `${role} ${wordsOf(point)}`;
}

/** Records what each scenario passes in a run without strikes, several worlds at a time. */
export async function discover(feeds: FeedServer, worlds: number): Promise<Case[]> {
  const found = await inLodgings(feeds, worlds, SCENARIOS, async (lodging, scenario) => {
    const strikes = await passed(lodging, scenario);
    return strikes.map((strike) => ({ strike, scenario }));
  });
  const byName = Map.groupBy(found.flat(), ({ strike }) => nameOf(strike));
  const cases = [...byName.values()].flatMap(([first, ...others]) =>
    first === undefined
      ? []
      : [
          {
            strike: first.strike,
            scenarios: [first.scenario, ...others.map(({ scenario }) => scenario)],
          },
        ],
  );
  return cases.sort((a, b) => (nameOf(a.strike) < nameOf(b.strike) ? -1 : 1));
}

async function passed(lodging: Lodging, scenario: Scenario): Promise<Strike[]> {
  const world = await (scenario.isBirth ? lodging.born(null) : lodging.shared());
  if (!scenario.isBirth) await Promise.all(ROLES.map((role) => world.process(role).forget()));
  try {
    const round = await scenario.play(world, null);
    await world.untilDone(round);
    await world.untilSwept();
    await world.calm();
  } catch (error) {
    const words = [`without any strike, ${scenario.name}: ${error}`, ...world.lastWords()];
    throw new Error(words.join('\n'), { cause: error });
  }
  return ROLES.flatMap((role) =>
    [...world.process(role).met.values()].map((point) => ({ role, point })),
  );
}

/** One case a site, its moment chosen by the site's name. */
export function oneMomentEach(cases: readonly Case[]): Case[] {
  const sites = Map.groupBy(cases, ({ strike }) => `${strike.role} ${strike.point.site}`);
  return [...sites].flatMap(([site, moments]) => {
    const byte = createHash('sha256').update(site).digest().readUInt8(0);
    return moments.slice(byte % moments.length).slice(0, 1);
  });
}

/** Strikes each case in a world, several worlds at a time; `tell` hears of each as it ends. */
export function strikeAll(
  feeds: FeedServer,
  worlds: number,
  cases: readonly Case[],
  tell: (ending: Ending) => void,
): Promise<Ending[]> {
  return inLodgings(feeds, worlds, cases, async (lodging, one) => {
    const beganMs = performance.now();
    const outcome = await outcomeOf(lodging, one);
    const ending = { of: one, outcome, seconds: (performance.now() - beganMs) / 1_000 };
    tell(ending);
    return ending;
  });
}

async function outcomeOf(lodging: Lodging, { strike, scenarios }: Case): Promise<Outcome> {
  for (let tries = 0; tries < TRIES_MAX; tries += 1) {
    const scenario = scenarios[tries % scenarios.length];
    if (scenario === undefined) break;
    const outcome = await struck(lodging, strike, scenario);
    if (outcome.kind === 'broken') await lodging.leave();
    if (outcome.kind !== 'missed') return outcome;
  }
  return { kind: 'missed' };
}

async function struck(lodging: Lodging, strike: Strike, scenario: Scenario): Promise<Outcome> {
  let world: World | null = null;
  try {
    world = await (scenario.isBirth ? lodging.born(strike) : lodging.shared());
    const process = world.process(strike.role);
    const before = scenario.isBirth ? 0 : process.trapped;
    if (!scenario.isBirth) await process.arm(strike.point);
    const round = await scenario.play(world, strike);
    const isHit = await hit(world, () => process.trapped > before);
    await process.arm(null);
    await world.untilDone(round);
    await world.calm();
    const wrongs = await world.wrongs(round);
    if (wrongs.length > 0) return { kind: 'broken', wrongs };
    return { kind: isHit ? 'held' : 'missed' };
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    return { kind: 'broken', wrongs: [why, ...(world?.lastWords() ?? [])] };
  }
}

async function hit(world: World, isTrapped: () => boolean): Promise<boolean> {
  try {
    return await world.watch.until('the strike', () => isTrapped() || null, STRIKE_MS_MAX);
  } catch (error) {
    if (error instanceof TimedOut) return false;
    throw error;
  }
}
