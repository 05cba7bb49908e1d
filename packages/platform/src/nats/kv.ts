import { JetStreamApiError, type JetStreamPublishOptions } from '@nats-io/jetstream';
import { headers } from '@nats-io/transport-node';
import { invariant } from '@podctl/domain/result.ts';
import type { CasOptions, CasOutcome, Kv, KvEntry, TailSink } from '../kv.ts';
import { KvUnavailable } from '../kv.ts';
import { overLine } from './abortable.ts';
import type { Bucket } from './bucket.ts';
import { kvEntry, OPERATION_HEADER } from './kv-entry.ts';
import { NatsTail, type TailPorts } from './tail.ts';

/** Wrong last sequence; the second is its form when the server cannot name the sequence it has. */
const CONFLICT_CODES = [10_071, 10_164];
const keyPattern = /^[a-zA-Z0-9_=/-]+(?:\.[a-zA-Z0-9_=/-]+)*$/;

/** The Kv port over a bucket. Writes are JetStream publishes, since the client's `kv.update` drops a time to live. */
export function natsKv(bucket: Bucket, ports: TailPorts): Kv {
  return {
    get: (key, signal) => get(bucket, key, signal),
    cas: (key, expected, value, options = {}) =>
      write(bucket, key, value, { expect: { lastSubjectSequence: expected }, ...ttl(options) }),
    remove: (key, expected) => {
      const marker = headers();
      marker.set(OPERATION_HEADER, 'DEL');
      const options = { expect: { lastSubjectSequence: expected }, headers: marker };
      return write(bucket, key, new Uint8Array(), options);
    },
    put: (key, value) => put(bucket, key, value),
    tail: (sink: TailSink) => new NatsTail(bucket, sink, ports),
  };
}

async function get(bucket: Bucket, key: string, signal?: AbortSignal): Promise<KvEntry | null> {
  signal?.throwIfAborted();
  const query = { last_by_subj: subjectOf(bucket, key) };
  try {
    const message = await overLine(bucket.link, bucket.timeoutMs, signal, () =>
      bucket.jsm.streams.getMessage(bucket.stream, query),
    );
    return message === null ? null : kvEntry(key, message.seq, message.data, message.header);
  } catch (error) {
    signal?.throwIfAborted();
    throw new KvUnavailable(`get ${key}`, error);
  }
}

async function write(
  bucket: Bucket,
  key: string,
  value: Uint8Array,
  options: Partial<JetStreamPublishOptions>,
): Promise<CasOutcome> {
  const subject = subjectOf(bucket, key);
  try {
    const ack = await overLine(bucket.link, bucket.timeoutMs, undefined, () =>
      bucket.js.publish(subject, value, options),
    );
    return { kind: 'written', revision: ack.seq };
  } catch (error) {
    if (error instanceof JetStreamApiError && CONFLICT_CODES.includes(error.code)) {
      return { kind: 'conflict' };
    }
    return { kind: 'unknown', cause: error instanceof Error ? error : new Error(String(error)) };
  }
}

async function put(bucket: Bucket, key: string, value: Uint8Array): Promise<number> {
  const outcome = await write(bucket, key, value, {});
  if (outcome.kind === 'written') return outcome.revision;
  throw new KvUnavailable(`put ${key}`, outcome.kind === 'unknown' ? outcome.cause : undefined);
}

/** The server keeps whole seconds and cuts the rest off, which would end a life early: round up. */
function ttl(options: CasOptions): Partial<JetStreamPublishOptions> {
  return options.ttlMs === undefined ? {} : { ttl: `${Math.ceil(options.ttlMs / 1_000)}s` };
}

function subjectOf(bucket: Bucket, key: string): string {
  invariant(keyPattern.test(key), `a key of letters, digits, - _ = / and inner dots, not ${key}`);
  return bucket.prefix + key;
}
