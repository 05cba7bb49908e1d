import type { LedgerEntry } from '@podctl/domain/feed/ledger-entry.ts';
import type { EpisodeId, FeedId } from '@podctl/domain/ids.ts';
import type { Clock } from '@podctl/platform/clock.ts';
import type { FeedRow, Snapshot } from '../core/snapshot.ts';
import { readLedger } from './feed-ledger.ts';
import type { Logger } from './logger.ts';
import { Loop } from './loop.ts';
import type { Replica } from './replica.ts';
import { type Store, UnreadableValue } from './store.ts';

export interface VanishedEpisodesOptions {
  readonly clock: Clock;
  readonly store: Store;
  readonly replica: Replica;
  readonly log: Logger;
}

const TICK_MS = 30_000;
const SPACING_MS = 1_000;

/** Tells the plan which episodes of a feed it lists no more: their downloads come after all others of the feed. */
export function noteVanished(
  snapshot: Snapshot,
  feed: FeedId,
  entries: readonly LedgerEntry[],
): void {
  const row = snapshot.feeds.get(feed);
  if (row === undefined) return;
  const vanished = new Set<EpisodeId>();
  for (const { episode, vanishedS, isFiltered } of entries)
    if (vanishedS !== null && !isFiltered) vanished.add(episode);
  row.vanished = vanished;
}

/**
 * A new leader has read no ledger yet, and a feed may be unchanged for weeks: the ledgers of feeds with vanished episodes and
 * downloads left are read once. Leader only.
 */
export class VanishedEpisodes extends Loop {
  readonly #options: VanishedEpisodesOptions;

  constructor(options: VanishedEpisodesOptions) {
    const { clock, log } = options;
    super('vanished episodes', { clock, log, tickMs: TICK_MS, spacingMs: SPACING_MS });
    this.#options = options;
  }

  protected override async turn(signal: AbortSignal): Promise<void> {
    const { replica } = this.#options;
    for (const row of [...replica.snapshot.feeds.values()].filter(isToBeRead)) {
      if (signal.aborted) return;
      noteVanished(replica.snapshot, row.id, await this.#entriesOf(row.id));
    }
  }

  /** A ledger that this version cannot read tells nothing, and keeps those of the other feeds from nothing. */
  async #entriesOf(feed: FeedId): Promise<readonly LedgerEntry[]> {
    const { store, log } = this.#options;
    try {
      return (await readLedger(store, feed)).entries;
    } catch (error) {
      if (!(error instanceof UnreadableValue)) throw error;
      log.warn({ feed, reason: error.message }, 'which episodes have vanished is not known');
      return [];
    }
  }
}

function isToBeRead({ record, vanished, tally }: FeedRow): boolean {
  const count = record?.ledger?.vanished ?? 0;
  return vanished === null && count > 0 && tally.remaining.download > 0;
}
