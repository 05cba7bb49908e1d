import type { Plant } from './plant.ts';
import * as host from './plants/of-the-host.ts';
import * as library from './plants/of-the-library.ts';
import * as lock from './plants/of-the-lock.ts';
import * as term from './plants/of-the-term.ts';
import type { RunOptions } from './run.ts';
import type { Scheduled, Target } from './schedule.ts';
import { allEpisodes, type World } from './world.ts';

const sameBoot: Plant = {
  what: 'restart with the same agent id',
  agent: (ports) => ({ ...ports, identity: { ...ports.identity, boot: ports.identity.agent } }),
};

const clusterIgnored: Plant = { what: 'cluster id ignored', keepsClusterId: true };

/** Agents are cut off while they finish, and leave as soon as they are back. */
function leavesAfterCut(list: Scheduled[], world: World): Scheduled[] {
  const moments = [8_000, 30_000, 52_000].flatMap((atMs): Scheduled[] =>
    world.agents.flatMap((_, index): Scheduled[] => {
      const at: Target = { role: 'agent', index };
      return [
        { atMs, trouble: { kind: 'cut', at, ms: 9_000 } },
        { atMs: atMs + 9_001, trouble: { kind: 'stop', at } },
      ];
    }),
  );
  return [...list, ...moments];
}

/** Agents are cut off for longer than a session lives, so that others get their jobs, and then come back. */
function cutUntilLost(list: Scheduled[], world: World): Scheduled[] {
  const cuts = [0, 1, 2, 3].map((n): Scheduled => {
    const at: Target = { role: 'agent', index: n % world.agents.length };
    return { atMs: 6_000 + n * 22_000, trouble: { kind: 'cut', at, ms: 41_000 } };
  });
  return [...list, ...cuts];
}

/** Whatever leads has its library unmounted for a while. */
function unmounted(list: Scheduled[], world: World): Scheduled[] {
  const away = [5_000, 25_000, 45_000].flatMap((atMs) =>
    Array.from({ length: world.coordinators }, (_, index): Scheduled => {
      const at: Target = { role: 'coordinator', index };
      return { atMs, trouble: { kind: 'library away', at, ms: 9_000 } };
    }),
  );
  return [...list, ...away];
}

/** A leader is held up between its decision and its write, for long enough that another one leads meanwhile. */
function leadersPausedAtWrites(list: Scheduled[], world: World): Scheduled[] {
  const act = { do: 'pause', how: 'stopped', ms: 20_000 } as const;
  const place = { kind: 'sending', role: 'coordinator', prefix: 'job.', countdown: 2 } as const;
  const pauses: Scheduled[] = [];
  for (let atMs = 2_000; atMs < world.faultsEndMs; atMs += 15_000)
    pauses.push({ atMs, trouble: { kind: 'ambush', ambush: { ...place, act } } });
  return [...list, ...pauses];
}

function agentsCrash(list: Scheduled[], world: World): Scheduled[] {
  const crashes: Scheduled[] = [];
  for (let atMs = 5_000; atMs < world.faultsEndMs; atMs += 7_000)
    crashes.push({ atMs, trouble: { kind: 'crash', at: { role: 'agent', index: atMs / 1_000 } } });
  return [...list, ...crashes];
}

function restored(list: Scheduled[], world: World): Scheduled[] {
  const others = list.filter(({ trouble }) => trouble.kind !== 'restore');
  return [...others, { atMs: world.faultsEndMs / 2, trouble: { kind: 'restore' } }];
}

/** A promoter is held up among its links, and the run after the one it shows is done meanwhile. */
function promotersPaused(_list: Scheduled[], world: World): Scheduled[] {
  const act = { do: 'pause', how: 'stopped', ms: 45_000 } as const;
  const place = { kind: 'after', role: 'coordinator', prefix: 'podcasts/', countdown: 1 } as const;
  return [1_000, 50_000].flatMap((atMs): Scheduled[] => [
    ...allEpisodes(world).map(
      (): Scheduled => ({ atMs, trouble: { kind: 'request', pick: 0, afterCommit: true } }),
    ),
    { atMs, trouble: { kind: 'ambush', ambush: { ...place, act } } },
  ]);
}

const longWork = (world: World): World => ({
  ...world,
  faultsEndMs: Math.max(world.faultsEndMs, 100_000),
  feeds: world.feeds.map((feed) => ({
    ...feed,
    episodes: feed.episodes.map((one) => ({ ...one, transcribeMs: 20_000 + one.transcribeMs / 2 })),
  })),
});

const quickWork = (world: World): World => ({
  ...world,
  coordinators: 3,
  faultsEndMs: 100_000,
  feeds: world.feeds.map((feed) => ({
    ...feed,
    failing: 0,
    episodes: feed.episodes.map((one) => ({ ...one, downloadMs: 1_000, transcribeMs: 1_500 })),
  })),
});

/** Planted faults by name: what a seed is run with. Each must be noticed. */
export const PLANTS: { readonly [name: string]: RunOptions } = {
  'no token check': { plant: lock.noTokenCheck, schedule: cutUntilLost, shape: longWork },
  'kv.update without a revision': {
    plant: lock.updateWithoutRevision,
    schedule: leadersPausedAtWrites,
    shape: quickWork,
  },
  'TTL dropped on renewal': { plant: term.ttlDropped },
  'no grace after take-over': { plant: term.noGrace },
  "a deposed leader's stale write": { plant: term.deposedWrites },
  'a duplicate verdict after done': { plant: lock.duplicateAfterDone },
  'a committed lock revoked': { plant: lock.committedRevoked, schedule: agentsCrash },
  'goodbye before result': { plant: lock.goodbyeBeforeResult, schedule: leavesAfterCut },
  'restart with the same agent id': { plant: sameBoot },
  'retry asked between commit and done': { plant: lock.requestFreesCommitted },
  'promoter paused between link and re-read': {
    plant: library.noReRead,
    schedule: promotersPaused,
    shape: quickWork,
  },
  'cluster id ignored': { plant: clusterIgnored, schedule: restored },
  'a timed-out CAS landing late': {
    plant: lock.doubtTakenForWritten,
    schedule: cutUntilLost,
    shape: longWork,
  },
  'library unmounted': { plant: library.unmountedLooksEmpty, schedule: unmounted },
  'a host’s patience counted as a failure': { plant: host.patienceIsFailure },
  'losses not counted': { plant: lock.lossesNotCounted },
  'a reader of a half-published attempt': { plant: library.halfPublished },
  'a checkpoint taken for a leftover': {
    plant: library.checkpointUnknown,
    schedule: leavesAfterCut,
    shape: longWork,
  },
};
