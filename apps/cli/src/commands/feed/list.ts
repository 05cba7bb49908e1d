import { ListCommand } from '../../list-command.ts';
import { failingLines } from '../../render/failing-feeds.ts';
import type { Column } from '../../render/table.ts';
import { percentWords } from '../../render/words.ts';
import { type FeedView, feedView } from '../../views/feed-map.ts';
import type { ListDocument } from '../../views/list-document.ts';

export default class FeedList extends ListCommand {
  static override summary = 'List feeds with their progress.';
  static override examples = [
    '<%= config.bin %> feed list',
    '<%= config.bin %> feed list -o wide',
    "<%= config.bin %> feed list --json | jq '.items[] | select(.dead > 0) | .feedId'",
  ];

  async run(): Promise<ListDocument<FeedView>> {
    const { flags } = await this.parse(FeedList);
    const document = await this.collect(flags, async (client, page) => {
      const { feeds, nextPageToken } = await client.listFeeds(page);
      return { items: feeds.map(feedView), nextPageToken };
    });
    const none = 'No feeds yet: add one with "podctl feed add URL".';
    const shown = this.table(document, columns(this.timeCell(flags)), flags, none);
    if (flags.output !== 'wide') for (const line of failingLines(shown.items)) this.say(line);
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
    { head: 'STATE', cell: (feed) => feed.state },
    { head: 'URL', cell: (feed) => feed.url, wide: true },
    { head: 'PROBLEM', cell: (feed) => feed.problem, wide: true },
  ];
}
