import { statfs } from 'node:fs/promises';
import { BUCKETS } from '@podctl/domain/key.ts';
import type { Clock } from '@podctl/platform/clock.ts';
import type { Library } from '@podctl/platform/library.ts';
import type { NatsLink } from '@podctl/platform/nats/connection.ts';
import { diagnoseNats, type NatsDiagnosis } from '@podctl/platform/nats/diagnosis.ts';
import type {
  DiskDiagnosis as DiskMessage,
  GetDiagnosisResponse,
  NatsDiagnosis as NatsMessage,
} from '@podctl/proto/podctl/v1/fleet.ts';
import { durationOf } from './duration-map.ts';
import { dateOf } from './time-map.ts';

/** What a coordinator sees around it. */
export interface Diagnosis {
  readonly atMs: number;
  readonly uptimeMs: number;
  readonly nats: NatsDiagnosis;
  readonly replicasWanted: number;
  readonly disks: readonly DiskDiagnosis[];
}

export interface DiskDiagnosis {
  readonly purpose: 'library' | 'state';
  readonly freeBytes: number;
  readonly sizeBytes: number;
  /** Below it no new work is begun; 0 where nothing looks at it. */
  readonly floorBytes: number;
  /** Why it could not be looked at; empty when it could. */
  readonly problem: string;
}

/** Looks around, now. Rejects only with the signal's reason. */
export type Diagnose = (signal: AbortSignal) => Promise<Diagnosis>;

export interface DiagnosisPlace {
  readonly link: NatsLink;
  readonly library: Library;
  readonly stateDir: string;
  /** Of the settings. */
  readonly replicas: number;
  readonly freeFloorBytes: number;
  readonly clock: Clock;
}

export function diagnosing(place: DiagnosisPlace): Diagnose {
  const { link, library, stateDir, replicas, freeFloorBytes, clock } = place;
  const startedMs = clock.monotonicMs();
  return async (signal) => {
    const [nats, libraryDisk, stateDisk] = await Promise.all([
      diagnoseNats(link, Object.values(BUCKETS), clock, signal),
      libraryOn(library, freeFloorBytes),
      stateOn(stateDir),
    ]);
    return {
      atMs: clock.wallMs(),
      uptimeMs: clock.monotonicMs() - startedMs,
      nats,
      replicasWanted: replicas,
      disks: libraryDisk === null ? [stateDisk] : [libraryDisk, stateDisk],
    };
  };
}

const UNSEEN = { freeBytes: 0, sizeBytes: 0 };

/** Null: it is there and has no disk, as a bucket. */
async function libraryOn(library: Library, floorBytes: number): Promise<DiskDiagnosis | null> {
  const disk = { purpose: 'library', floorBytes } as const;
  try {
    const health = await library.check();
    if (health.kind === 'offline') return { ...disk, ...UNSEEN, problem: health.reason };
    const space = await library.space();
    return space === null ? null : { ...disk, ...space, problem: '' };
  } catch (error) {
    return { ...disk, ...UNSEEN, problem: wordsOf(error) };
  }
}

async function stateOn(folder: string): Promise<DiskDiagnosis> {
  const disk = { purpose: 'state', floorBytes: 0 } as const;
  try {
    const { bavail, blocks, bsize } = await statfs(folder);
    return { ...disk, freeBytes: bavail * bsize, sizeBytes: blocks * bsize, problem: '' };
  } catch (error) {
    return { ...disk, ...UNSEEN, problem: wordsOf(error) };
  }
}

export function diagnosisMessage(diagnosis: Diagnosis): GetDiagnosisResponse {
  const { atMs, uptimeMs, nats, replicasWanted, disks } = diagnosis;
  return {
    serverTime: dateOf(atMs),
    uptime: durationOf(uptimeMs),
    nats: natsMessage(nats, replicasWanted),
    disks: disks.map(diskMessage),
  };
}

function natsMessage(nats: NatsDiagnosis, replicasWanted: number): NatsMessage {
  const { clockAheadMs, buckets, ...server } = nats;
  return {
    ...server,
    ...(clockAheadMs === null ? {} : { clockAhead: durationOf(clockAheadMs) }),
    buckets: buckets.filter(isOurs).map(({ missing: _, ...bucket }) => ({
      ...bucket,
      replicasWanted,
      lag: BigInt(bucket.lag),
      bytes: BigInt(bucket.bytes),
      messages: BigInt(bucket.messages),
    })),
  };
}

/** A fleet without keys lets nobody in, and has no bucket for it. */
function isOurs({ name, missing }: NatsDiagnosis['buckets'][number]): boolean {
  return name !== BUCKETS.access || !missing;
}

function diskMessage(disk: DiskDiagnosis): DiskMessage {
  return {
    ...disk,
    freeBytes: BigInt(Math.floor(disk.freeBytes)),
    sizeBytes: BigInt(Math.floor(disk.sizeBytes)),
    floorBytes: BigInt(Math.floor(disk.floorBytes)),
  };
}

function wordsOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
