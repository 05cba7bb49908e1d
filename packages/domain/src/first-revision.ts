/**
 * Revisions of the state begin at a number that the clock gives, not at 1. Tokens are revisions, and they name the
 * folders of accepted files without their cluster: a state that was made anew, or restored, beside an old library would
 * give numbers again that lie there with other files in them, `done` pointers would be taken for those of new tokens, and
 * two restores of one backup would give the same numbers to the same episodes.
 */
const REVISIONS_A_SECOND = 100_000;
/** 2025-01-01T00:00:00Z: two digits less than with 1970. */
const ORIGIN_MS = 1_735_689_600_000;
/** Where a clock is wrong, this many writes after a backup are still below. */
const GAP = 1_000_000_000;

/** The most that the names of folders have room for: fifteen digits. */
export const FIRST_REVISION_MAX = 900_000_000_000_000;

/**
 * The first revision of a state that is made now. More than twice as many for each second as a server was seen to write
 * (42,000): whatever was made before, by a clock that is right, has stayed below.
 *
 * @param above the newest revision known from before; 0 for none.
 * @throws RangeError beyond FIRST_REVISION_MAX: the clock is wrong by centuries.
 */
export function firstRevision(nowMs: number, above = 0): number {
  const byClock = Math.floor((nowMs - ORIGIN_MS) / 1_000) * REVISIONS_A_SECOND;
  const first = Math.max(1, byClock, above === 0 ? 0 : above + GAP);
  if (first > FIRST_REVISION_MAX)
    throw new RangeError(`the first revision ${first} has too many digits: is the clock right?`);
  return first;
}
