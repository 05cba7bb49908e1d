/**
 * Whether two messages say the same. Ages are counted on the monotonic clock and shown as wall-clock times, so that an
 * unmoved moment comes out a millisecond off each time it is worked out: moments less than `momentsMs` apart are one.
 */
export function sameMessage(a: unknown, b: unknown, momentsMs: number): boolean {
  if (Object.is(a, b)) return true;
  if (typeof a !== 'object' || typeof b !== 'object' || a === null || b === null) return false;
  if (a instanceof Date)
    return b instanceof Date && Math.abs(a.getTime() - b.getTime()) < momentsMs;
  return sameFields(a as Fields, b as Fields, momentsMs);
}

type Fields = Readonly<Record<string, unknown>>;

/** Without lists of entries: ten thousand feeds are compared ten times a second. */
function sameFields(a: Fields, b: Fields, momentsMs: number): boolean {
  let left = 0;
  for (const key in a) {
    if (!(key in b) || !sameMessage(a[key], b[key], momentsMs)) return false;
    left += 1;
  }
  for (const _ in b) left -= 1;
  return left === 0;
}
