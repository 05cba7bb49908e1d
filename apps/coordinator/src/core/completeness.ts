import { type EpisodeState, keptRun } from '@podctl/domain/episode-state.ts';
import type { LedgerCounts } from '@podctl/domain/feed/ledger-entry.ts';
import { MAIN_STAGES } from '@podctl/domain/stage.ts';
import type { FeedRow } from './snapshot.ts';
import { isUnwanted } from './tally.ts';

/** How complete the archive of a feed is. */
export interface Completeness {
  readonly ledger: LedgerCounts;
  /** Known, and not filtered. */
  readonly wanted: number;
  readonly downloaded: number;
  readonly transcribed: number;
  readonly dead: number;
  readonly skipped: number;
}

/** From what the snapshot keeps of each feed: nobody reads a ledger for it. Before its first fold what is known is listed. */
export function completenessOf({ record, tally }: FeedRow): Completeness {
  const { episodes, done, dead, skipped } = tally;
  const filtered = record?.ledger?.filtered ?? 0;
  const none = { vanished: 0, replaced: 0, audioChanged: 0, filtered };
  const counts = record?.ledger ?? { ...none, known: episodes, listed: episodes };
  const { known, listed, vanished, replaced, audioChanged } = counts;
  return {
    // An episode of the state is known, whatever the newest fold had read.
    ledger: {
      ...{ listed, vanished, replaced, audioChanged, filtered },
      known: Math.max(known, episodes + filtered),
    },
    wanted: episodes,
    ...{ downloaded: done.download, transcribed: done.transcribe, dead, skipped },
  };
}

/** Whether something of an episode is not there, and nobody said that it need not be. */
export function isMissing({ stages }: EpisodeState): boolean {
  return (
    keptRun(stages.transcribe) === null &&
    !MAIN_STAGES.some((stage) => isUnwanted(stages[stage].lock))
  );
}

/** What went wrong with it last, one sentence; empty when nothing did. */
export function reasonOf({ stages }: EpisodeState): string {
  for (const stage of MAIN_STAGES) {
    const { lock } = stages[stage];
    const isDone = keptRun(stages[stage]) !== null;
    if (!isDone && (lock.state === 'dead' || lock.state === 'free') && lock.reason !== null)
      return lock.reason;
  }
  return '';
}
