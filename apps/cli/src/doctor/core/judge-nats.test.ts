import { expect, it } from 'vitest';
import { seen } from './check.ts';
import { bucket, diagnosis, said } from './fleet-example.ts';
import type { BucketFacts, DiagnosisFacts, FleetFacts } from './fleet-facts.ts';

const nats = (change: Partial<DiagnosisFacts['nats']>) => ({
  diagnosis: seen({ ...diagnosis, nats: { ...diagnosis.nats, ...change } }),
});
const withBucket = (change: Partial<BucketFacts>) => nats({ buckets: [{ ...bucket, ...change }] });
const disk = (purpose: string, freeBytes: number, problem = '') => ({
  diagnosis: seen({
    ...diagnosis,
    disks: [{ purpose, freeBytes, floorBytes: purpose === 'library' ? 1e9 : 0, problem }],
  }),
});

const cases: readonly (readonly [Partial<FleetFacts>, string, string])[] = [
  [
    nats({ version: '2.12.1' }),
    'nats',
    'fail: nats-server 2.12.1 (n1 of the cluster home), and 2.12.3 or newer is needed: before it, acknowledged writes could be lost -> upgrade the nats-servers, one after the other',
  ],
  [
    nats({ jetstream: false }),
    'nats',
    'fail: nats-server 2.15.1 (n1 of the cluster home) has no JetStream for this account -> switch it on in its configuration: jetstream { store_dir: … }, and for the account',
  ],
  [
    nats({ problem: 'timeout' }),
    'nats',
    'fail: nats-server 2.15.1 (n1 of the cluster home): JetStream does not answer (timeout) -> look into the log of nats-server: a cluster without a majority, or a full disk, answers nobody',
  ],
  [
    nats({ clockAheadMs: 120_000 }),
    'nats-clock',
    'fail: the clock of NATS is 2m00s ahead of the coordinator\'s, and at most 60 s go -> let both machines set their clocks by NTP, e.g. with "timedatectl set-ntp true"',
  ],
  [
    withBucket({ replicas: 1, replicasCurrent: 1 }),
    'nats-buckets',
    'warn: podctl_state is kept on 1, and nats.replicas is 3 -> raise it: nats stream edit KV_podctl_state --replicas=3',
  ],
  [
    withBucket({ replicas: 1, replicasCurrent: 1, replicasWanted: 1 }),
    'nats-buckets',
    'warn: podctl_state is kept on one server of the cluster home, and stops with it -> set nats.replicas: 3, and raise it: nats stream edit KV_podctl_state --replicas=3',
  ],
  [
    withBucket({ replicasCurrent: 2, lag: 9 }),
    'nats-buckets',
    'warn: podctl_state: 2 of its 3 servers are in step, the slowest is 9 behind -> start the nats-server that is down, or give it time to catch up',
  ],
  [
    withBucket({ replicasCurrent: 1 }),
    'nats-buckets',
    'fail: podctl_state: 1 of its 3 servers are in step, no majority -> start the nats-servers that are down; do not remove them from the cluster meanwhile',
  ],
  [
    withBucket({ problem: 'stream not found' }),
    'nats-buckets',
    'fail: podctl_state cannot be looked at (stream not found) -> look into the log of nats-server; without this bucket the fleet stands still',
  ],
  [
    { sync: { kind: 'unknown' } as const },
    'nats-sync',
    'skipped: not known: NATS does not tell its clients whether it syncs each write -> name its monitoring address with --nats-monitor http://host:8222, or look for "sync_interval: always" in its configuration',
  ],
  [
    {
      sync: {
        kind: 'told',
        where: 'http://n1:8222',
        always: false,
        interval: 'every 120 s',
      } as const,
    },
    'nats-sync',
    'warn: every 120 s, by http://n1:8222: what was acknowledged since may be lost when its machine crashes -> set "sync_interval: always" in the jetstream section of nats-server',
  ],
  [
    {
      sync: {
        kind: 'unseen',
        where: 'http://n1:8222',
        why: 'cannot be asked (ECONNREFUSED)',
      } as const,
    },
    'nats-sync',
    'skipped: not known: http://n1:8222 cannot be asked (ECONNREFUSED) -> name the right monitoring address with --nats-monitor',
  ],
  [
    disk('library', 0.5e9),
    'disk',
    "fail: the disk of the library has 500 MB free, and below 1.0 GB (library.freeFloor) no work is begun -> free some space on the disk of the coordinator's library",
  ],
  [
    disk('library', 1.5e9),
    'disk',
    "warn: the disk of the library has 1.5 GB free -> free some space on the disk of the coordinator's library",
  ],
  [
    disk('state', 50e6),
    'disk',
    "fail: the disk of the state has 50 MB free -> free some space on the disk of the coordinator's state",
  ],
  [
    disk('library', 0, 'its marker is gone'),
    'disk',
    'fail: the library of the coordinator cannot be used: its marker is gone -> mount it again, or correct library.url; without it nothing is planned',
  ],
];

it.each(cases.map(([facts, id, words]) => ({ facts, id, words })))(
  '$id says "$words"',
  ({ facts, id, words }) => {
    expect(said(id, facts)).toBe(words);
  },
);
