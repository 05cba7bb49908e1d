import type { FeedId } from '@podctl/domain/ids.ts';
import type { FeedRow } from './snapshot.ts';
import type { FeedState } from './view.ts';

interface Look {
  readonly row: FeedRow;
  readonly changes: number;
  readonly state: FeedState;
}

/** The pace of a feed, and with it its forecast, moves with time alone: each is looked at anew at least so often. */
const ROUND_MS = 5_000;

/**
 * Which feeds may look different than at the last look, so that of ten thousand only those are mapped anew: the ones that
 * a fold touched, those whose state became another one, which time alone can do, and a share of the others in turn.
 */
export class ChangedFeeds {
  #seen = new Map<FeedId, Look>();
  #lookedAtMs = Number.NEGATIVE_INFINITY;
  /** Where the next share begins. */
  #next = 0;

  /** `states`: how each of the rows is now; `nowMs`: monotonic. */
  look(rows: readonly FeedRow[], states: readonly FeedState[], nowMs: number): FeedRow[] {
    const inTurn = this.#turn(rows.length, nowMs);
    if (this.#seen.size > rows.length) this.#forget(rows);
    return rows.filter((row, i) => {
      const { changes } = row;
      const state = states[i];
      const seen = this.#seen.get(row.id);
      const isSame = seen?.row === row && seen.changes === changes && seen.state === state;
      if (isSame || state === undefined) return inTurn(i);
      this.#seen.set(row.id, { row, changes, state });
      return true;
    });
  }

  /** As large a share of the rows as the time since the last look is of a round. */
  #turn(count: number, nowMs: number): (i: number) => boolean {
    const share = Math.min(1, (nowMs - this.#lookedAtMs) / ROUND_MS);
    this.#lookedAtMs = nowMs;
    const first = this.#next < count ? this.#next : 0;
    const end = first + Math.ceil(count * share);
    this.#next = end % Math.max(1, count);
    return (i) => (i >= first && i < end) || i < end - count;
  }

  #forget(rows: readonly FeedRow[]): void {
    const ids = new Set(rows.map(({ id }) => id));
    for (const id of this.#seen.keys()) if (!ids.has(id)) this.#seen.delete(id);
  }
}
