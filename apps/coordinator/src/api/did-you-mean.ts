import { nearestName } from '../core/nearest-name.ts';

/** What to do about a name that nothing has: the one that was probably meant, and where all of them are shown. */
export function hintFrom(given: string, names: Iterable<string>, elsewhere: string): string {
  const meant = nearestName(given, names);
  return meant === null ? elsewhere : `did you mean "${meant}"? ${elsewhere}`;
}
