import type { CoordinatorClient } from '../client.ts';
import type { WatchActions } from './watch-action.ts';

/**
 * What the keys of the live table may change, by the calls of the API. A key whose entry is absent says that it is not
 * possible with this coordinator, and help leaves it out. An entry gives a sentence: what changed.
 */
export function fleetActions(_client: CoordinatorClient): WatchActions {
  return {};
}
