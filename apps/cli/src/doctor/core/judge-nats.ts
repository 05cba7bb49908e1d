import { isTooOld, SERVER_VERSION_MIN } from '@podctl/platform/nats/server-version.ts';
import { sizeWords } from '../../render/words.ts';
import { type Check, fail, ok, skipped, warn, worstOf } from './check.ts';
import { clockCheck } from './clock-words.ts';
import type { BucketFacts, DiagnosisFacts, DiskFacts, SyncFacts } from './fleet-facts.ts';

type Nats = DiagnosisFacts['nats'];

/** Without any of it a coordinator cannot even say that it is up. */
const STATE_BYTES_LOW = 100e6;
const STATE_BYTES_TOLD = 1e9;

export function judgeNats({
  connected,
  serverName,
  version,
  cluster,
  jetstream,
  problem,
}: Nats): Check {
  if (!connected)
    return fail(
      'nats',
      'the coordinator has lost its connection to NATS, and tries again',
      'look whether the nats-server runs, and whether the coordinator can reach it (nats.url)',
    );
  const name = `${serverName}${cluster === '' ? '' : ` of the cluster ${cluster}`}`;
  const words = `nats-server ${version} (${name})`;
  if (isTooOld(version))
    return fail(
      'nats',
      `${words}, and ${SERVER_VERSION_MIN} or newer is needed: before it, acknowledged writes could be lost`,
      'upgrade the nats-servers, one after the other',
    );
  if (!jetstream)
    return fail(
      'nats',
      `${words} has no JetStream for this account`,
      'switch it on in its configuration: jetstream { store_dir: … }, and for the account',
    );
  if (problem !== '')
    return fail(
      'nats',
      `${words}: JetStream does not answer (${problem})`,
      'look into the log of nats-server: a cluster without a majority, or a full disk, answers nobody',
    );
  return ok('nats', `${words}, JetStream answers`);
}

export function judgeNatsClock({ clockAheadMs }: Nats): Check {
  if (clockAheadMs === null) return skipped('nats-clock', 'NATS did not tell its time');
  return clockCheck('nats-clock', clockAheadMs, 'the clock of NATS', "the coordinator's");
}

export function judgeBuckets({ buckets, cluster }: Nats): Check {
  if (buckets.length === 0) return skipped('nats-buckets', 'JetStream did not tell of any');
  return worstOf(
    buckets.flatMap((bucket) => bucketCheck(bucket, cluster)),
    () => {
      const bytes = buckets.reduce((sum, bucket) => sum + bucket.bytes, 0);
      const copies = Math.min(...buckets.map(({ replicas }) => replicas));
      const where = copies === 1 ? 'on one server' : `on ${copies} servers, all in step`;
      return ok('nats-buckets', `${buckets.length} buckets ${where}, ${sizeWords(bytes)}`);
    },
  );
}

function bucketCheck(bucket: BucketFacts, cluster: string): readonly Check[] {
  const { name, replicas, replicasCurrent, replicasWanted, lag, problem } = bucket;
  if (problem !== '')
    return [
      fail(
        'nats-buckets',
        `${name} cannot be looked at (${problem})`,
        'look into the log of nats-server; without this bucket the fleet stands still',
      ),
    ];
  if (replicasCurrent * 2 <= replicas)
    return [
      fail(
        'nats-buckets',
        `${name}: ${replicasCurrent} of its ${replicas} servers are in step, no majority`,
        'start the nats-servers that are down; do not remove them from the cluster meanwhile',
      ),
    ];
  if (replicasCurrent < replicas)
    return [
      warn(
        'nats-buckets',
        `${name}: ${replicasCurrent} of its ${replicas} servers are in step, the slowest is ${lag} behind`,
        'start the nats-server that is down, or give it time to catch up',
      ),
    ];
  if (replicas < replicasWanted)
    return [
      warn(
        'nats-buckets',
        `${name} is kept on ${replicas}, and nats.replicas is ${replicasWanted}`,
        `raise it: nats stream edit KV_${name} --replicas=${replicasWanted}`,
      ),
    ];
  if (replicas === 1 && cluster !== '')
    return [
      warn(
        'nats-buckets',
        `${name} is kept on one server of the cluster ${cluster}, and stops with it`,
        `set nats.replicas: 3, and raise it: nats stream edit KV_${name} --replicas=3`,
      ),
    ];
  return [];
}

export function judgeSync(sync: SyncFacts): Check {
  switch (sync.kind) {
    case 'unknown':
      return skipped(
        'nats-sync',
        'not known: NATS does not tell its clients whether it syncs each write',
        'name its monitoring address with --nats-monitor http://host:8222, or look for "sync_interval: always" in its configuration',
      );
    case 'unseen':
      return skipped(
        'nats-sync',
        `not known: ${sync.where} ${sync.why}`,
        'name the right monitoring address with --nats-monitor',
      );
    case 'told':
      return sync.always
        ? ok('nats-sync', `always, by ${sync.where}`)
        : warn(
            'nats-sync',
            `${sync.interval ?? 'every 2 minutes, the default'}, by ${sync.where}: what was acknowledged since may be lost when its machine crashes`,
            'set "sync_interval: always" in the jetstream section of nats-server',
          );
  }
}

export function judgeDisks(disks: readonly DiskFacts[]): Check {
  if (disks.length === 0) return skipped('disk', 'the coordinator did not tell of any');
  return worstOf(disks.flatMap(diskCheck), () =>
    ok(
      'disk',
      disks.map(({ purpose, freeBytes }) => `${purpose} ${sizeWords(freeBytes)} free`).join(', '),
    ),
  );
}

function diskCheck({ purpose, freeBytes, floorBytes, problem }: DiskFacts): readonly Check[] {
  if (problem !== '')
    return [
      fail(
        'disk',
        `the ${purpose} of the coordinator cannot be used: ${problem}`,
        purpose === 'library'
          ? 'mount it again, or correct library.url; without it nothing is planned'
          : 'mend the rights of the data folder of the coordinator',
      ),
    ];
  const words = `the disk of the ${purpose} has ${sizeWords(freeBytes)} free`;
  const fix = `free some space on the disk of the coordinator's ${purpose}`;
  const isState = purpose === 'state';
  if (freeBytes < (isState ? STATE_BYTES_LOW : floorBytes))
    return [
      fail(
        'disk',
        isState
          ? words
          : `${words}, and below ${sizeWords(floorBytes)} (library.freeFloor) no work is begun`,
        fix,
      ),
    ];
  if (freeBytes < (isState ? STATE_BYTES_TOLD : 2 * floorBytes)) return [warn('disk', words, fix)];
  return [];
}
