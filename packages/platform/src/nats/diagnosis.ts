import {
  JetStreamApiError,
  type JetStreamManager,
  jetstreamManager,
  type StreamInfo,
} from '@nats-io/jetstream';
import type { Clock } from '../clock.ts';
import { orAborted } from './abortable.ts';
import type { NatsLink } from './connection.ts';

/** A NATS server as the one who is connected to it sees it, now. */
export interface NatsDiagnosis {
  readonly connected: boolean;
  readonly serverName: string;
  readonly version: string;
  /** Empty when the server is alone. */
  readonly cluster: string;
  readonly jetstream: boolean;
  /** Why JetStream could not be asked; empty when it could. */
  readonly problem: string;
  /** How far its clock is ahead of ours, as near as the answer's way allows; null when it does not tell. */
  readonly clockAheadMs: number | null;
  readonly buckets: readonly BucketDiagnosis[];
}

export interface BucketDiagnosis {
  readonly name: string;
  readonly replicas: number;
  /** Servers that have all of it now, the one that leads included. */
  readonly replicasCurrent: number;
  /** Operations by which the slowest is behind. */
  readonly lag: number;
  readonly bytes: number;
  readonly messages: number;
  /** There is no such bucket. */
  readonly missing: boolean;
  /** Why it could not be looked at; empty when it could. */
  readonly problem: string;
}

const TIMEOUT_MS = 3_000;
const STREAM_NOT_FOUND = 10_059;

/** Asks JetStream of each bucket. Takes twice TIMEOUT_MS at most; rejects only with the signal's reason. */
export async function diagnoseNats(
  link: NatsLink,
  names: readonly string[],
  clock: Clock,
  signal: AbortSignal,
): Promise<NatsDiagnosis> {
  const { info } = link.nc;
  const server = {
    connected: link.isConnected(),
    serverName: info?.server_name ?? '',
    version: info?.version ?? '',
    cluster: info?.cluster ?? '',
    jetstream: info?.jetstream === true,
    clockAheadMs: null,
    buckets: [],
  };
  if (!server.connected) return { ...server, problem: 'it is not connected now' };
  try {
    const jsm = await jetstreamManager(link.nc, { checkAPI: false, timeout: TIMEOUT_MS });
    await orAborted(jsm.getAccountInfo(), signal);
    const seen = await orAborted(
      Promise.all(names.map((name) => bucket(jsm, name, clock))),
      signal,
    );
    return {
      ...server,
      jetstream: true,
      problem: '',
      clockAheadMs: seen.find(({ aheadMs }) => aheadMs !== null)?.aheadMs ?? null,
      buckets: seen.map(({ diagnosis }) => diagnosis),
    };
  } catch (error) {
    signal.throwIfAborted();
    return { ...server, problem: wordsOf(error) };
  }
}

interface SeenBucket {
  readonly diagnosis: BucketDiagnosis;
  readonly aheadMs: number | null;
}

async function bucket(jsm: JetStreamManager, name: string, clock: Clock): Promise<SeenBucket> {
  const startMs = clock.wallMs();
  try {
    const info = await jsm.streams.info(`KV_${name}`);
    return {
      diagnosis: bucketDiagnosis(name, info),
      aheadMs: aheadOf(info.ts, startMs, clock.wallMs()),
    };
  } catch (error) {
    const none = { replicas: 0, replicasCurrent: 0, lag: 0, bytes: 0, messages: 0 };
    const missing = error instanceof JetStreamApiError && error.code === STREAM_NOT_FOUND;
    return { diagnosis: { name, ...none, missing, problem: wordsOf(error) }, aheadMs: null };
  }
}

/** A server that is alone names no replicas, and need not name a leader. */
export function bucketDiagnosis(
  name: string,
  { config, state, cluster }: Pick<StreamInfo, 'config' | 'state' | 'cluster'>,
): BucketDiagnosis {
  const others = cluster?.replicas ?? [];
  const leads = others.length === 0 || (cluster?.leader ?? '') !== '' ? 1 : 0;
  const current = others.filter((peer) => peer.current && !peer.offline);
  return {
    name,
    replicas: config.num_replicas,
    replicasCurrent: current.length + leads,
    lag: others.reduce((most, { lag }) => Math.max(most, lag ?? 0), 0),
    bytes: state.bytes,
    messages: state.messages,
    missing: false,
    problem: '',
  };
}

/** From its clock, read at some moment between the two of ours: 0 when it may well be the same. */
function aheadOf(ts: string | undefined, askedAtMs: number, answeredAtMs: number): number | null {
  const atMs = Date.parse(ts ?? '');
  if (Number.isNaN(atMs)) return null;
  if (atMs > answeredAtMs) return atMs - answeredAtMs;
  return atMs < askedAtMs ? atMs - askedAtMs : 0;
}

function wordsOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
