/**
 * How far a tail has come, and what each message means for it. The stream's sequence is the revision; the consumer's
 * sequence counts deliveries of one consumer from 1 without gaps, so a missing one is a lost message.
 */
export interface TailCursor {
  /** Newest revision delivered, over all consumers. */
  readonly revision: number;
  /** Consumer sequence of the last message heard from this consumer. */
  readonly heard: number;
}

export interface Delivery {
  readonly revision: number;
  readonly consumerSequence: number;
  /** Messages that this consumer still has to deliver, as of this one. */
  readonly pending: number;
}

export type Step =
  | { readonly kind: 'deliver'; readonly cursor: TailCursor }
  /** Seen before, under another consumer. */
  | { readonly kind: 'duplicate'; readonly cursor: TailCursor }
  /** Something was lost on the way: a new consumer must begin after the cursor's revision. */
  | { readonly kind: 'gap' };

export function onDelivery(cursor: TailCursor, delivery: Delivery): Step {
  if (delivery.consumerSequence !== cursor.heard + 1) return { kind: 'gap' };
  const heard = delivery.consumerSequence;
  if (delivery.revision <= cursor.revision) {
    return { kind: 'duplicate', cursor: { ...cursor, heard } };
  }
  return { kind: 'deliver', cursor: { revision: delivery.revision, heard } };
}

/** A heartbeat names the last delivery: true when it never arrived. */
export function heartbeatShowsGap(cursor: TailCursor, lastConsumerSequence: number): boolean {
  return lastConsumerSequence > cursor.heard;
}

/**
 * From the reply subject of a delivered message: `$JS.ACK.<stream>.<consumer>.<times>.<revision>.<sequence>.<time>.<pending>`,
 * or, between accounts, with `<domain>.<account>` after ACK and a random token at the end. Null for anything else.
 */
export function parseDelivery(reply: string | undefined): Delivery | null {
  const tokens = reply?.split('.') ?? [];
  if (tokens[0] !== '$JS' || tokens[1] !== 'ACK' || tokens.length < 9) return null;
  const times = tokens.length === 9 ? 4 : 6;
  const revision = Number(tokens[times + 1]);
  const consumerSequence = Number(tokens[times + 2]);
  const pending = Number(tokens[times + 4]);
  const isWhole = [revision, consumerSequence, pending].every(Number.isSafeInteger);
  return isWhole ? { revision, consumerSequence, pending } : null;
}
