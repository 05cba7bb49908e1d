import { nearestName } from '../core/nearest-name.ts';

/** The one thing to do about a name that nothing has: the name that was probably meant, else where all are shown. */
export function hintFrom(given: string, names: Iterable<string>, elsewhere: string): string {
  const meant = nearestName(given, names);
  return meant === null ? elsewhere : `did you mean "${meant}"?`;
}
