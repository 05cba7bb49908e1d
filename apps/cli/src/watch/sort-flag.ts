import { CommandError, EXIT } from '../command-error.ts';
import { sortsOf } from '../render/watch/selection.ts';
import type { SortOrder } from './screen-state.ts';
import type { View } from './watch-view.ts';

/** `left`, or `-left` for the largest first. Throws CommandError (usage). */
export function sortOrder(text: string, view: View): SortOrder {
  const descending = text.startsWith('-');
  const sort = descending ? text.slice(1) : text;
  const names = sortsOf(view).map(({ name }) => name);
  if (names.includes(sort)) return { sort, descending };
  throw new CommandError(
    EXIT.usage,
    `--sort ${JSON.stringify(text)} is no order of ${view}; give one of ${names.join(', ')}, with a - before it for the largest first`,
  );
}
