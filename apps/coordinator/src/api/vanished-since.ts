import { decodeChunk } from '@podctl/domain/feed/ledger-entry.ts';
import type { EpisodeId } from '@podctl/domain/ids.ts';
import { ledgerKey } from '@podctl/domain/key.ts';
import type { FeedRow } from '../core/snapshot.ts';
import type { Fleet } from '../shell/fleet.ts';

/** More than the largest ledger has. */
const PARTS_MAX = 1_000;

/**
 * Since when the episodes that a feed lists no more are so, in epoch seconds; nothing is read for a feed without such. What
 * cannot be read tells nothing. Rejects with KvUnavailable.
 */
export async function vanishedSince(
  fleet: Pick<Fleet, 'value'>,
  { id, record }: Pick<FeedRow, 'id' | 'record'>,
): Promise<ReadonlyMap<EpisodeId, number>> {
  const vanished = new Map<EpisodeId, number>();
  if ((record?.ledger?.vanished ?? 0) === 0) return vanished;
  for (let part = 0; part < PARTS_MAX; part += 1) {
    const value = await fleet.value('meta', ledgerKey(id, part));
    if (value === null) break;
    const entries = decodeChunk(value);
    if (!entries.ok) continue;
    for (const { episode, vanishedS } of entries.value)
      if (vanishedS !== null) vanished.set(episode, vanishedS);
  }
  return vanished;
}
