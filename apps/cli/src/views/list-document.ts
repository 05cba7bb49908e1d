/** The `--json` form of every list. Fields are only ever added. */
export interface ListDocument<T> {
  readonly apiVersion: 'podctl/v1';
  readonly items: readonly T[];
  /** Pass it as --page-token to go on; empty at the end. */
  readonly nextPageToken: string;
}

export function listDocument<T>(items: readonly T[], nextPageToken: string): ListDocument<T> {
  return { apiVersion: 'podctl/v1', items, nextPageToken };
}

/** ISO 8601 UTC, or null when absent. */
export function isoTime(time: Date | undefined): string | null {
  return time === undefined ? null : time.toISOString();
}

/** `part / whole` within 0 to 1; 0 of nothing. */
export function ratio(part: number, whole: number): number {
  return whole <= 0 ? 0 : Math.min(1, part / whole);
}
