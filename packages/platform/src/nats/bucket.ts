import {
  DiscardPolicy,
  JetStreamApiError,
  type JetStreamClient,
  type JetStreamManager,
  jetstream,
  jetstreamManager,
  RetentionPolicy,
  StorageType,
  type StreamConfig,
  type StreamInfo,
} from '@nats-io/jetstream';
import { nanos } from '@nats-io/transport-node';
import type { Clock } from '../clock.ts';
import { KvUnavailable } from '../kv.ts';
import type { NatsLink } from './connection.ts';

export interface BucketOptions {
  readonly name: string;
  /** 1, or 3 or 5 in separate failure domains. */
  readonly replicas: number;
  /** Markers of expired keys stay so long; a CAS that expects one finds 0 afterwards. At least a second. */
  readonly markerTtlMs?: number;
  /** The longest wait for one answer. Keep it under the renewal period where a leader's key lives. */
  readonly timeoutMs?: number;
  /** How long to go on trying while the servers have no leader yet. */
  readonly openWithinMs?: number;
  /** Where revisions begin if it is made now; 1 when left out (see domain/first-revision.ts). */
  readonly firstRevision?: number;
  /** Made for `loadKeys`: it takes many keys in one atomic batch. */
  readonly batches?: boolean;
}

/** An open bucket: the stream behind it and the clients to reach it. */
export interface Bucket {
  readonly name: string;
  readonly stream: string;
  /** Subject of a key: prefix + key. */
  readonly prefix: string;
  /** When the stream was made, by the server's clock: another time is another stream. */
  readonly created: string;
  readonly link: NatsLink;
  /** The longest wait for one answer. */
  readonly timeoutMs: number;
  readonly js: JetStreamClient;
  readonly jsm: JetStreamManager;
}

const MARKER_TTL_MS = 7 * 86_400_000;
const TIMEOUT_MS = 5_000;
const OPEN_WITHIN_MS = 30_000;
const RETRY_MS = 500;
const STREAM_NAME_IN_USE = 10_058;

/** What our rules rely on. A bucket made otherwise is refused: decisions on it would not be safe. */
const RULES = {
  retention: RetentionPolicy.Limits,
  // A memory stream forgets its revisions with the server.
  storage: StorageType.File,
  max_msgs_per_subject: 1,
  max_age: 0,
  // Direct gets may be stale.
  allow_direct: false,
  allow_msg_ttl: true,
} satisfies Partial<StreamConfig>;

/** Creates the bucket, or opens it as it is. Two may do so at once. Rejects when it was made by other rules. */
export async function openBucket(
  link: NatsLink,
  options: BucketOptions,
  clock: Clock,
  signal: AbortSignal,
): Promise<Bucket> {
  const timeout = options.timeoutMs ?? TIMEOUT_MS;
  const jsm = await jetstreamManager(link.nc, { checkAPI: false, timeout });
  const deadlineMs = clock.monotonicMs() + (options.openWithinMs ?? OPEN_WITHIN_MS);
  for (;;) {
    signal.throwIfAborted();
    try {
      const { config, created } = await createOrFind(jsm, streamConfig(options));
      refuseOtherRules(options.name, config);
      const names = { name: options.name, stream: config.name, prefix: `$KV.${options.name}.` };
      return {
        ...names,
        created,
        link,
        timeoutMs: timeout,
        js: jetstream(link.nc, { timeout }),
        jsm,
      };
    } catch (error) {
      if (error instanceof BucketMismatch) throw error;
      const isLast = clock.monotonicMs() + RETRY_MS >= deadlineMs;
      if (isLast || link.nc.isClosed()) {
        throw new KvUnavailable(`open bucket ${options.name}`, error);
      }
    }
    await clock.sleep(RETRY_MS, signal);
  }
}

export class BucketMismatch extends Error {
  constructor(name: string, setting: string, found: unknown, expected: unknown) {
    super(
      `bucket ${name} has ${setting} = ${JSON.stringify(found)} where ${JSON.stringify(expected)} is needed: move its data to a new bucket`,
    );
    this.name = 'BucketMismatch';
  }
}

function streamConfig(options: BucketOptions): Partial<StreamConfig> & { name: string } {
  return {
    ...RULES,
    name: `KV_${options.name}`,
    subjects: [`$KV.${options.name}.>`],
    num_replicas: options.replicas,
    max_msgs: -1,
    max_bytes: -1,
    discard: DiscardPolicy.New,
    allow_rollup_hdrs: true,
    deny_delete: true,
    subject_delete_marker_ttl: nanos(options.markerTtlMs ?? MARKER_TTL_MS),
    ...(options.firstRevision === undefined ? {} : { first_seq: options.firstRevision }),
    ...(options.batches === true ? { allow_atomic: true } : {}),
  };
}

async function createOrFind(
  jsm: JetStreamManager,
  config: Partial<StreamConfig> & { name: string },
): Promise<StreamInfo> {
  try {
    return await jsm.streams.add(config);
  } catch (error) {
    // Made before, with other replicas or markers: those may be changed by the operator.
    const isThere = error instanceof JetStreamApiError && error.code === STREAM_NAME_IN_USE;
    if (!isThere) throw error;
    return await jsm.streams.info(config.name);
  }
}

function refuseOtherRules(name: string, found: StreamConfig): void {
  const settings: Partial<Record<string, unknown>> = { ...found };
  for (const [setting, expected] of Object.entries(RULES)) {
    const value = settings[setting] ?? false;
    if (value !== expected) throw new BucketMismatch(name, setting, value, expected);
  }
}
