import { changeFeed } from '@podctl/domain/feed-change.ts';
import { beginPurge } from '@podctl/domain/feed-purge.ts';
import type { FeedRecord } from '@podctl/domain/feed-record.ts';
import type { ChangedFeed, Order } from '@podctl/domain/order.ts';
import type { Clock } from '@podctl/platform/clock.ts';
import { isOpenEpisode } from '../core/snapshot.ts';
import { sizeOfFeed } from './feed-size.ts';
import { OrderFailed } from './order-failed.ts';
import type { Replica } from './replica.ts';
import type { Store } from './store.ts';

export interface FeedChangingOptions {
  readonly clock: Clock;
  readonly store: Store;
  readonly replica: Replica;
}

type ChangeOrder = Extract<Order, { kind: 'change_feed' }>;

const TRIES_MAX = 8;

/** One CAS at what the record says now, again while somebody else is faster. Rejects with OrderFailed. */
export async function changeFeedRecord(
  options: FeedChangingOptions,
  order: ChangeOrder,
): Promise<ChangedFeed> {
  for (let tries = 1; tries <= TRIES_MAX; tries += 1) {
    const { record, revision } = await options.store.readFeed(order.feed);
    // Removed twice is the same as once; whatever else is asked of a removed one is asked of nobody.
    if (record === null || (record.removed === true && order.change.remove !== true))
      return { kind: 'unknown' };
    const changed = await changeAt(options, order, record, revision);
    if (changed !== null) return changed;
  }
  throw new OrderFailed(`feed ${order.feed} was written by others each time; ask again`);
}

/** Null when somebody else wrote first. */
async function changeAt(
  options: FeedChangingOptions,
  { feed, change, dryRun }: ChangeOrder,
  record: FeedRecord,
  revision: number,
): Promise<ChangedFeed | null> {
  const { store, replica } = options;
  const isOpen = (id: Parameters<typeof isOpenEpisode>[2]) =>
    isOpenEpisode(replica.snapshot, feed, id);
  const after = changeFeed(record, change, isOpen);
  if (!after.ok) return { kind: 'refused', problem: after.error };
  const purged = change.purge ? await withPurge(options, after.value.record) : after.value.record;
  const isAsked = purged !== after.value.record;
  const fields = [...after.value.fields, ...(isAsked ? ['purge'] : [])];
  const { purge } = purged;
  if (dryRun || fields.length === 0) return { kind: 'changed', revision, fields, purge };
  const next = { ...purged, nonce: store.newNonce() };
  const written = await store.casFeed(next, revision);
  switch (written.kind) {
    case 'written':
      return { kind: 'changed', revision: written.revision, fields, purge };
    case 'conflict':
      return null;
    case 'unknown':
      throw new OrderFailed(`feed ${feed} could not be written: ${written.cause.message}`);
  }
}

async function withPurge(
  { store, replica, clock }: FeedChangingOptions,
  record: FeedRecord,
): Promise<FeedRecord> {
  const size = await sizeOfFeed(replica.snapshot.feeds.get(record.feed));
  const of = { cluster: store.cluster(), sinceMs: clock.wallMs(), ...size };
  return beginPurge(record, of);
}
