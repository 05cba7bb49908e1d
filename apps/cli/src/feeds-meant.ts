import * as Args from '@oclif/core/args';
import * as Flags from '@oclif/core/flags';
import type { CoordinatorClient } from './client.ts';
import { CommandError, EXIT } from './command-error.ts';
import type { PageRequest } from './page-request.ts';
import { isSelected, selectedLabels, selectorFlag, selectorOf } from './selector.ts';
import type { ChangedFeedView } from './views/feed-change-map.ts';
import { collectPages } from './views/page-collector.ts';

export const feedsArgs = {
  id: Args.string({ description: 'ids of feeds, as "feed list" shows them' }),
};

export const feedsFlags = {
  selector: selectorFlag,
  all: Flags.boolean({ default: false, description: 'all feeds there are' }),
};

interface FeedsFlags {
  readonly selector?: string[] | undefined;
  readonly all: boolean;
}

/** The feeds that are meant: named, chosen by their labels, or all. Throws CommandError (usage) where it is not one of these. */
export async function feedsMeant(
  client: CoordinatorClient,
  argv: readonly unknown[],
  flags: FeedsFlags,
): Promise<readonly string[]> {
  const conditions = selectorOf(flags.selector);
  const ways = [argv.length > 0, conditions.length > 0, flags.all].filter(Boolean).length;
  if (ways !== 1)
    throw new CommandError(
      EXIT.usage,
      'say which feeds: give their ids, or -l K=V for those with a label, or --all; one of the three',
    );
  if (argv.length > 0) return [...new Set(argv.map(String))];
  const filter = { labels: selectedLabels(conditions), states: [] };
  const readPage = async (page: PageRequest) => {
    const { feeds, nextPageToken } = await client.listFeeds(page, filter);
    return { items: feeds, nextPageToken };
  };
  const { items } = await collectPages(readPage, undefined, '');
  return items
    .filter(({ choices }) => isSelected(choices?.labels ?? {}, conditions))
    .map(({ feedId }) => feedId);
}

/** What `--json` prints of one feed or of several. */
export interface ChangedFeedsView extends ChangedFeedView {
  readonly feeds: readonly ChangedFeedView[];
}

/** Of several feeds `feedId` is empty, and `changed` tells what is another at any of them. */
export function changedFeedsView(feeds: readonly ChangedFeedView[]): ChangedFeedsView {
  const [only, ...others] = feeds;
  const changed = [...new Set(feeds.flatMap((feed) => feed.changed))];
  const feedId = others.length === 0 ? (only?.feedId ?? '') : '';
  return { feedId, changed, dryRun: false, feeds };
}
