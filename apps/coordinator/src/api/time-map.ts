/** What google.protobuf.Timestamp may hold: the years 1 to 9999. */
const EARLIEST_MS = -62_135_596_800_000;
const LATEST_MS = 253_402_300_799_999;

/**
 * A wall-clock time as the generated types take it; absent when unknown, or when no timestamp can hold it: one feed's
 * broken date must not make a whole answer fail. Before 1970 it is cut to the second, as its nanos may not be negative.
 */
export function dateOf(ms: number | null): Date | undefined {
  if (ms === null || !(ms >= EARLIEST_MS && ms <= LATEST_MS)) return undefined;
  return new Date(ms < 0 ? Math.floor(ms / 1_000) * 1_000 : ms);
}
