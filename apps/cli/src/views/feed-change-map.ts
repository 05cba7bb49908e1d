/** What was changed at a feed, as `--json` prints it. */
export interface ChangedFeedView {
  readonly feedId: string;
  /** Names of the fields that are another now; empty when all was so already. */
  readonly changed: readonly string[];
  /** True when it was only looked at what would be. */
  readonly dryRun: boolean;
}

export function changedFeedView(
  feedId: string,
  changed: readonly string[],
  dryRun: boolean,
): ChangedFeedView {
  return { feedId, changed: [...changed], dryRun };
}
