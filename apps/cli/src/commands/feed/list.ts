import * as Flags from '@oclif/core/flags';
import { ListCommand } from '../../list-command.ts';
import { failingLines } from '../../render/failing-feeds.ts';
import type { Column } from '../../render/table.ts';
import { percentWords } from '../../render/words.ts';
import { isSelected, selectedLabels, selectorFlag, selectorOf } from '../../selector.ts';
import { FEED_STATES, type FeedView, feedStateOf, feedView } from '../../views/feed-map.ts';
import type { ListDocument } from '../../views/list-document.ts';

export default class FeedList extends ListCommand {
  static override summary = 'List feeds with their progress.';
  static override examples = [
    '<%= config.bin %> feed list',
    '<%= config.bin %> feed list -l topic=history,lang!=de -o wide',
    "<%= config.bin %> feed list --json | jq '.items[] | select(.dead > 0) | .feedId'",
  ];

  static override flags = {
    selector: selectorFlag,
    state: Flags.string({
      multiple: true,
      multipleNonGreedy: true,
      options: FEED_STATES,
      description: 'only feeds in this state; may be given several times',
    }),
  };

  async run(): Promise<ListDocument<FeedView>> {
    const { flags } = await this.parse(FeedList);
    const selector = selectorOf(flags.selector);
    const filter = {
      labels: selectedLabels(selector),
      states: (flags.state ?? []).map(feedStateOf),
    };
    const document = await this.collect(flags, async (client, page) => {
      const { feeds, nextPageToken } = await client.listFeeds(page, filter);
      const items = feeds.map(feedView).filter(({ labels }) => isSelected(labels, selector));
      return { items, nextPageToken };
    });
    const isFiltered = filter.states.length + selector.length > 0;
    const none = isFiltered
      ? 'No feed is so: "podctl feed list" shows all of them.'
      : 'No feeds yet: add one with "podctl feed add URL".';
    const shown = this.table(document, columns(this.timeCell(flags)), flags, none);
    if (flags.output !== 'wide') this.sayBeside(failingLines(shown.items));
    return shown;
  }
}

function columns(timeOf: (iso: string | null) => string): readonly Column<FeedView>[] {
  return [
    { head: 'FEED', cell: (feed) => feed.feedId },
    { head: 'TITLE', cell: (feed) => feed.title },
    { head: 'EPISODES', cell: (feed) => String(feed.episodes), align: 'right' },
    { head: 'DL%', cell: (feed) => percentWords(feed.downloadedRatio), align: 'right' },
    { head: 'TX%', cell: (feed) => percentWords(feed.transcribedRatio), align: 'right' },
    { head: 'DEAD', cell: (feed) => String(feed.dead), align: 'right' },
    { head: 'BOOKS', cell: (feed) => String(feed.bookScore), align: 'right' },
    { head: 'READ', cell: (feed) => timeOf(feed.lastSuccessAt), align: 'right' },
    { head: 'STATE', cell: stateCell },
    { head: 'PRIORITY', cell: (feed) => String(feed.priority), align: 'right', wide: true },
    { head: 'LABELS', cell: labelWords, wide: true },
    { head: 'URL', cell: (feed) => feed.url, wide: true },
    { head: 'PROBLEM', cell: (feed) => feed.problem, wide: true },
  ];
}

function labelWords({ labels }: FeedView): string {
  return Object.entries(labels)
    .map(([key, value]) => `${key}=${value}`)
    .join(' ');
}

/** A new feed that could not be read is not failing yet, but who just added it should see it. */
function stateCell({ state, problem }: FeedView): string {
  return state === 'new' && problem !== '' ? 'new, UNREAD' : state;
}
