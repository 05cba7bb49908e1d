import { type Ambush, randomAmbush } from './moments.ts';
import type { Weather } from './network.ts';
import type { Prng } from './prng.ts';
import type { PauseKind } from './process.ts';
import type { World } from './world.ts';

/** Which process, by role and number; a number beyond the last one counts round. */
export interface Target {
  readonly role: 'coordinator' | 'agent';
  readonly index: number;
}

/** One thing that goes wrong, and for how long. */
export type Trouble =
  | { readonly kind: 'crash'; readonly at: Target }
  | { readonly kind: 'stop'; readonly at: Target }
  | { readonly kind: 'pause'; readonly at: Target; readonly how: PauseKind; readonly ms: number }
  | { readonly kind: 'cut'; readonly at: Target; readonly ms: number }
  | { readonly kind: 'outage'; readonly ms: number }
  | { readonly kind: 'leaderless'; readonly ms: number }
  | { readonly kind: 'blind tails' }
  | { readonly kind: 'weather'; readonly weather: Weather; readonly ms: number }
  | { readonly kind: 'library away'; readonly at: Target | null; readonly ms: number }
  | { readonly kind: 'wall jump'; readonly at: Target; readonly ms: number }
  | { readonly kind: 'ambush'; readonly ambush: Ambush }
  | { readonly kind: 'request'; readonly pick: number; readonly afterCommit: boolean }
  /** People drain an agent, with a deadline or without, and give it work again after `ms`. */
  | {
      readonly kind: 'drain';
      readonly index: number;
      readonly deadlineInMs: number | null;
      readonly ms: number;
    }
  | { readonly kind: 'restore' };

export interface Scheduled {
  readonly atMs: number;
  readonly trouble: Trouble;
}

const KINDS: readonly Trouble['kind'][] = [
  'crash',
  'crash',
  'crash',
  'stop',
  'pause',
  'pause',
  'cut',
  'cut',
  'outage',
  'leaderless',
  'blind tails',
  'weather',
  'weather',
  'library away',
  'wall jump',
  'ambush',
  'ambush',
  'ambush',
  'ambush',
  'request',
  'request',
];

export function makeSchedule(random: Prng, world: World): Scheduled[] {
  const count = random.chance(0.05) ? 0 : random.between(2, 14);
  const list = Array.from({ length: count }, () => ({
    atMs: random.between(500, world.faultsEndMs),
    trouble: makeTrouble(random, random.pick(KINDS)),
  }));
  if (random.chance(0.08))
    list.push({ atMs: random.between(5_000, world.faultsEndMs), trouble: { kind: 'restore' } });
  for (let drains = random.chance(0.2) ? random.between(1, 3) : 0; drains > 0; drains -= 1)
    list.push({ atMs: random.between(1_000, world.faultsEndMs), trouble: makeDrain(random) });
  return list.sort((a, b) => a.atMs - b.atMs);
}

function makeDrain(random: Prng): Trouble {
  const deadlineInMs = random.chance(0.7) ? random.between(0, 20_000) : null;
  return {
    kind: 'drain',
    index: random.between(0, 11),
    deadlineInMs,
    ms: random.between(500, 40_000),
  };
}

function makeTrouble(random: Prng, kind: Trouble['kind']): Trouble {
  switch (kind) {
    case 'crash':
    case 'stop':
      return { kind, at: target(random) };
    case 'pause': {
      const how = random.pick(['stopped', 'suspended'] as const);
      return { kind, at: target(random), how, ms: random.between(1_000, 90_000) };
    }
    case 'cut':
      return { kind, at: target(random), ms: random.between(500, 60_000) };
    case 'outage':
      return { kind, ms: random.between(1_000, 50_000) };
    case 'leaderless':
      return { kind, ms: random.between(3_000, 9_000) };
    case 'drain':
      return makeDrain(random);
    case 'blind tails':
    case 'restore':
      return { kind };
    case 'weather':
      return { kind, weather: makeWeather(random), ms: random.between(5_000, 40_000) };
    case 'library away': {
      const at = random.chance(0.4) ? null : target(random);
      return { kind, at, ms: random.between(2_000, 40_000) };
    }
    case 'wall jump':
      return { kind, at: target(random), ms: random.between(-20_000, 20_000) };
    case 'ambush':
      return { kind, ambush: randomAmbush(random) };
    case 'request':
      return { kind, pick: random.between(0, 1_000), afterCommit: random.chance(0.7) };
  }
}

function makeWeather(random: Prng): Weather {
  const some = (max: number) => (random.chance(0.5) ? random.next() * max : 0);
  return {
    lost: some(0.3),
    doubled: some(0.3),
    late: some(0.4),
    doubtful: some(0.3),
    stale: some(0.2),
  };
}

function target(random: Prng): Target {
  return { role: random.pick(['coordinator', 'agent'] as const), index: random.between(0, 11) };
}
