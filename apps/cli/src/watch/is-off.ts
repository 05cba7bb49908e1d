import type { WatchState } from './watch-state.ts';
import type { View } from './watch-view.ts';

/** Whether a feed is paused, or an agent kept from new work: one that drains or is lost, too. */
export function isOff({ feeds, agents }: WatchState, view: View, id: string): boolean {
  if (view === 'feeds') return feeds.get(id)?.paused === true;
  return (agents.get(id)?.cordon ?? null) !== null;
}
