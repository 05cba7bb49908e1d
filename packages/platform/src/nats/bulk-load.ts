import type { Clock } from '../clock.ts';
import { KvUnavailable } from '../kv.ts';
import { type Bucket, type BucketOptions, openBucket } from './bucket.ts';
import type { NatsLink } from './connection.ts';

export interface KeyToLoad {
  readonly key: string;
  readonly value: Uint8Array;
}

/** The server takes at most 1,000 messages as one; they are kept in its memory until the last has come. */
export const BATCH_KEYS_MAX = 500;

/**
 * Opens a bucket for many writes at once: one that is there and has never held a key is made anew, so that its
 * revisions begin where they should. Only for who knows that nobody else uses it.
 */
export async function openForLoad(
  link: NatsLink,
  options: BucketOptions & { readonly firstRevision: number },
  clock: Clock,
  signal: AbortSignal,
): Promise<Bucket> {
  const wanted = { ...options, batches: true };
  const found = await openBucket(link, wanted, clock, signal);
  const { config, state } = await found.jsm.streams.info(found.stream);
  if (config.allow_atomic === true && state.last_seq + 1 >= options.firstRevision) return found;
  if (state.messages > 0) {
    await found.jsm.streams.update(found.stream, { allow_atomic: true });
    return found;
  }
  await found.jsm.streams.delete(found.stream);
  return openBucket(link, wanted, clock, signal);
}

/** Keys in the bucket, deletion markers included. */
export async function keysIn({ jsm, stream }: Bucket): Promise<number> {
  return (await jsm.streams.info(stream)).state.messages;
}

/**
 * Writes all of them or none, whatever was there before. Measured on one server that syncs each write, two slow cores:
 * 9,000 keys a second with four batches of 500 under way; one by one it is 240.
 * Rejects with KvUnavailable when that is not certain: the same may be asked again.
 */
export async function loadKeys(
  { js, prefix, name }: Bucket,
  keys: readonly KeyToLoad[],
): Promise<void> {
  const last = keys.at(-1);
  const first = keys[0];
  if (first === undefined || last === undefined) return;
  try {
    if (first === last) {
      await js.publish(prefix + first.key, first.value);
      return;
    }
    const batch = await js.startBatch(prefix + first.key, first.value);
    for (const { key, value } of keys.slice(1, -1)) batch.add(prefix + key, value);
    const { count } = await batch.commit(prefix + last.key, last.value);
    if (count !== keys.length) throw new Error(`${count} of ${keys.length} keys arrived`);
  } catch (error) {
    throw new KvUnavailable(`load keys into ${name}`, error);
  }
}
