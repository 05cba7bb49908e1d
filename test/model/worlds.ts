import type { StageIndex } from './state.ts';

/** What may happen in an exploration. Small worlds find what large ones do, since each fault needs few events. */
export interface World {
  /** A first run of the download is done already, and a second one is asked for. */
  readonly downloaded: boolean;
  /** The stage that each request asks for, one more run each. */
  readonly requests: readonly StageIndex[];
  readonly agents: number;
  /** Crashes and polite stops of agents, all together. */
  readonly crashes: number;
  /** Live sessions taken for lost, locks released by hand, delayed hellos. */
  readonly spurious: number;
  /** Attempts that fail. */
  readonly failures: number;
  /** Somebody may skip what is not accepted, as often as it is asked for. */
  readonly skips: boolean;
  /** Writes may time out and land late. */
  readonly late: boolean;
  readonly sweeper: boolean;
  readonly view: boolean;
  readonly checkpoints: boolean;
  /** A backup may be taken, at any moment or while a lock is held or committed, and restored under a new cluster.id. */
  readonly restore: 'never' | 'of-busy' | 'of-any';
  /** A restored bucket begins its revisions above all of the old world, so that no number comes again. */
  readonly numbersRise: boolean;
  readonly goodbye: boolean;
  /** A hello of an older process may arrive after that of a newer one. */
  readonly oldHello: boolean;
}

const QUIET: World = {
  downloaded: false,
  requests: [0],
  agents: 1,
  crashes: 0,
  spurious: 0,
  failures: 0,
  skips: false,
  late: false,
  sweeper: false,
  view: false,
  checkpoints: false,
  restore: 'never',
  numbersRise: false,
  goodbye: false,
  oldHello: false,
};

/** Those that are explored to the end in each run of the tests. */
export const WORLDS = {
  crash: { ...QUIET, crashes: 2, late: true, sweeper: true },
  agents: { ...QUIET, agents: 2, crashes: 1, late: true, sweeper: true },
  runs: { ...QUIET, requests: [0, 0], crashes: 1, late: true, sweeper: true },
  stages: { ...QUIET, requests: [0, 1], crashes: 1, late: true },
  view: { ...QUIET, requests: [0, 0], view: true, crashes: 1 },
  goodbye: { ...QUIET, crashes: 1, spurious: 1, goodbye: true },
  hello: { ...QUIET, crashes: 1, spurious: 1, oldHello: true },
  losses: { ...QUIET, agents: 2, crashes: 2 },
  failures: { ...QUIET, requests: [0, 0], failures: 2 },
  skips: { ...QUIET, requests: [0, 0], crashes: 1, failures: 1, skips: true },
  checkpoint: { ...QUIET, crashes: 1, sweeper: true, checkpoints: true },
  'checkpoint-runs': { ...QUIET, requests: [0, 0], checkpoints: true },
  restore: { ...QUIET, crashes: 1, restore: 'of-any' },
  'restore-rising': { ...QUIET, restore: 'of-any', numbersRise: true },
  'restored-runs': { ...QUIET, requests: [0, 0], restore: 'of-any' },
  'restored-stages': { ...QUIET, requests: [1], downloaded: true, restore: 'of-busy' },
  'restored-checkpoint': { ...QUIET, checkpoints: true, restore: 'of-any' },
} as const satisfies { readonly [name: string]: World };

/** Those for a patient reader: `check.ts --world NAME`. `large` is what the figures in README.md are of. */
export const LARGE_WORLDS = {
  'restored-sweep': { ...QUIET, spurious: 1, sweeper: true, restore: 'of-any' },
  'restored-stages-sweep': {
    ...QUIET,
    requests: [1],
    downloaded: true,
    sweeper: true,
    restore: 'of-busy',
  },
  large: { ...QUIET, agents: 2, crashes: 1, spurious: 1, late: true, sweeper: true },
  'large-runs': { ...QUIET, requests: [0, 0], agents: 2, crashes: 1, spurious: 1, late: true },
  'large-restore': {
    ...QUIET,
    requests: [0, 0],
    agents: 2,
    crashes: 1,
    sweeper: true,
    restore: 'of-any',
  },
} as const satisfies { readonly [name: string]: World };

export type WorldName = keyof typeof WORLDS | keyof typeof LARGE_WORLDS;

export function isWorldName(name: string): name is WorldName {
  return Object.hasOwn(WORLDS, name) || Object.hasOwn(LARGE_WORLDS, name);
}

export function worldNamed(name: WorldName): World {
  const worlds: { readonly [K in WorldName]: World } = { ...WORLDS, ...LARGE_WORLDS };
  return worlds[name];
}
