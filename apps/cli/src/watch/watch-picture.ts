import type { LockView } from '../views/lock-map.ts';
import type { WatchState } from './watch-state.ts';

/** Everything that may be drawn. */
export interface WatchPicture {
  readonly state: WatchState;
  /** Asked for only while its view is open. */
  readonly locks: Listing<LockView>;
  /** What an agent says about the job at the cursor, for people; asked for only while it is shown. */
  readonly logs: Listing<string>;
}

/** What a call of its own told. */
export interface Listing<Item> {
  readonly items: readonly Item[];
  /** Epoch milliseconds; null: not asked yet. */
  readonly readAtMs: number | null;
  /** Why the newest call failed, one sentence; empty when it did not. */
  readonly problem: string;
}

export const noListing: Listing<never> = { items: [], readAtMs: null, problem: '' };
