import type { Journal } from '../../apps/agent/src/shell/journal.ts';
import type { Failpoints } from './failpoints.ts';
import { replaced } from './watched-files.ts';

/** A journal of results whose changes are points. */
export function watchedJournal(journal: Journal, points: Failpoints): Journal {
  return replaced(journal, {
    open: () => points.around('journal.open', () => journal.open()),
    put: (result) => points.around(`journal.put ${result.job.stage}`, () => journal.put(result)),
    remove: (key) => points.around('journal.remove', () => journal.remove(key)),
  });
}
