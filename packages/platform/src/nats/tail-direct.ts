import { type JetStreamManager, jetstreamManager, type StoredMsg } from '@nats-io/jetstream';
import type { KvEntry } from '../kv.ts';
import { orAborted } from './abortable.ts';
import type { Bucket } from './bucket.ts';
import { kvEntry } from './kv-entry.ts';

export interface DirectFrom {
  /** Newest delivered revision. */
  readonly revision: number;
  /** When the stream was made to which it belongs. */
  readonly created: string;
}

const ANSWER_MS_MAX = 1_500;
/** More than that is faster with a consumer. */
const ENTRIES_MAX = 500;

/**
 * Reads what follows a revision from the stream itself, one message at a time, until nothing follows. It is for the
 * while in which no consumer can be made: that needs the cluster's metadata leader, reading needs the stream's only.
 * Resolves to whether the stream answered; it delivers nothing of another stream than the one made at `created`.
 */
export async function readDirectly(
  bucket: Bucket,
  from: DirectFrom,
  signal: AbortSignal,
  deliver: (entry: KvEntry) => void,
): Promise<boolean> {
  const jsm = await jetstreamManager(bucket.link.nc, { checkAPI: false, timeout: ANSWER_MS_MAX });
  const { created, state } = await orAborted(jsm.streams.info(bucket.stream), signal);
  if (created !== from.created || state.last_seq < from.revision) return false;
  let { revision } = from;
  for (let count = 0; count < ENTRIES_MAX; count += 1) {
    const message = await orAborted(next(jsm, bucket, revision), signal);
    if (message === null) return true;
    revision = message.seq;
    const key = message.subject.slice(bucket.prefix.length);
    deliver(kvEntry(key, revision, message.data, message.header));
  }
  return true;
}

function next(jsm: JetStreamManager, bucket: Bucket, revision: number): Promise<StoredMsg | null> {
  const query = { seq: revision + 1, next_by_subj: `${bucket.prefix}>` };
  return jsm.streams.getMessage(bucket.stream, query);
}
