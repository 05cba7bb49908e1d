import { LibraryError } from '@podctl/platform/library.ts';
import type { LockRow } from '../core/snapshot.ts';
import type { Logger } from './logger.ts';
import { UnreadableValue } from './store.ts';

const AT_ONCE = 16;

/**
 * Takes locks back, some at a time. One whose files or value cannot be looked at keeps no other from it: the caller's next
 * turn tries it again. Rejects when nothing can be looked at: the library is away, or the state.
 */
export async function takeBackEach(
  rows: readonly LockRow[],
  takeOne: (row: LockRow) => Promise<void>,
  log: Logger,
  signal: AbortSignal,
): Promise<void> {
  for (let i = 0; i < rows.length && !signal.aborted; i += AT_ONCE)
    await Promise.all(rows.slice(i, i + AT_ONCE).map((row) => tryOne(row, takeOne, log)));
}

async function tryOne(
  row: LockRow,
  takeOne: (row: LockRow) => Promise<void>,
  log: Logger,
): Promise<void> {
  try {
    await takeOne(row);
  } catch (error) {
    const isOfThisOne =
      error instanceof UnreadableValue ||
      (error instanceof LibraryError && error.code !== 'offline');
    if (!isOfThisOne) throw error;
    const { feed, episode, stage } = row;
    log.warn(
      { feed, episode, stage, reason: error.message },
      'an attempt cannot be settled yet, so its job is not taken back',
    );
  }
}
