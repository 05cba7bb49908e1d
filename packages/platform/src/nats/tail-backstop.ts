import { JetStreamApiError } from '@nats-io/jetstream';
import type { Bucket } from './bucket.ts';
import type { TailCursor } from './tail-cursor.ts';

const CONSUMER_NOT_FOUND = 10_014;

/** What the checks of one consumer know from one to the next. */
export interface StreamCheck {
  /** The stream's newest sequence up to which nothing is missing, though the newest may be gone by now. */
  readonly verified: number;
  /** Deliveries heard at the check before, when it left something open. */
  readonly heardBefore: number;
}

export type StreamFinding =
  | { readonly kind: 'fine'; readonly check: StreamCheck }
  /** The stream has what the consumer does not bring. */
  | { readonly kind: 'blind' }
  /** The stream is an older or another one than what was read before. */
  | { readonly kind: 'rewound'; readonly created: string };

/**
 * Compares the stream's newest sequence with what was delivered. An unreachable server is `fine` here: the silence tells.
 * The newest message may have expired or been replaced, so the consumer is asked before it is called blind.
 */
export async function checkStream(
  bucket: Bucket,
  from: { readonly created: string; readonly consumer: string },
  cursor: () => TailCursor,
  before: StreamCheck,
): Promise<StreamFinding> {
  const fine = { kind: 'fine', check: before } as const;
  // Deliveries overtake the answer: it may be older than what has come when it is read.
  const deliveredBefore = cursor().revision;
  const stream = await bucket.jsm.streams.info(bucket.stream).catch(() => null);
  if (stream === null) return fine;
  const { last_seq } = stream.state;
  if (stream.created !== from.created || last_seq < deliveredBefore) {
    return { kind: 'rewound', created: stream.created };
  }
  if (last_seq <= Math.max(cursor().revision, before.verified)) return fine;
  const consumer = await consumerState(bucket, from.consumer);
  if (consumer === 'unreachable') return fine;
  if (consumer === 'gone') return { kind: 'blind' };
  const heard = cursor().heard;
  if (consumer.pending === 0 && consumer.delivered <= heard) {
    return { kind: 'fine', check: { verified: last_seq, heardBefore: -1 } };
  }
  if (heard === before.heardBefore) return { kind: 'blind' };
  return { kind: 'fine', check: { verified: before.verified, heardBefore: heard } };
}

type ConsumerState =
  | { readonly pending: number; readonly delivered: number }
  | 'gone'
  | 'unreachable';

async function consumerState(bucket: Bucket, consumer: string): Promise<ConsumerState> {
  try {
    const info = await bucket.jsm.consumers.info(bucket.stream, consumer);
    return { pending: info.num_pending, delivered: info.delivered.consumer_seq };
  } catch (error) {
    const isGone = error instanceof JetStreamApiError && error.code === CONSUMER_NOT_FOUND;
    return isGone ? 'gone' : 'unreachable';
  }
}
