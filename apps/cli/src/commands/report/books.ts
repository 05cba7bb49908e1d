import { idFlag } from '../../id-flag.ts';
import { ListCommand } from '../../list-command.ts';
import { clockWords } from '../../render/search-lines.ts';
import type { Column } from '../../render/table.ts';
import { countWords } from '../../render/words.ts';
import { sinceFlag } from '../../since-flag.ts';
import { type BookMentionView, bookMentionView } from '../../views/book-map.ts';
import type { ListDocument } from '../../views/list-document.ts';

/** What `--json` prints. */
interface BooksDocument extends ListDocument<BookMentionView> {
  /** Episodes passed over since their list of books could not be read. */
  readonly unreadEpisodes: number;
}

export default class ReportBooks extends ListCommand {
  static override summary =
    'List the books that episodes recommend, with the second each is named.';
  static override description =
    'Titles and authors are as the engine heard and wrote them. Each book stands once for an episode, where it is first named; advertisements are left out. Only English is read. In order of feed, episode and time. docs/books.md tells how they are found.';
  static override examples = [
    '<%= config.bin %> report books --feed in-our-time',
    '<%= config.bin %> report books --since 30d -o csv',
    "<%= config.bin %> report books --json | jq -r '.items[] | select(.recommended) | .title'",
  ];
  static override flags = {
    feed: idFlag({ default: '', description: 'only this feed' }),
    since: sinceFlag({
      description: 'only episodes published since (7d, 2026-03-01), and those without a date',
    }),
  };

  async run(): Promise<BooksDocument> {
    const { flags } = await this.parse(ReportBooks);
    let unreadEpisodes = 0;
    const document = await this.collect(flags, async (client, page) => {
      const asked = { feedId: flags.feed, publishedSince: flags.since, ...page };
      const { mentions, nextPageToken, unread } = await client.listBookMentions(asked);
      unreadEpisodes += unread;
      return { items: mentions.map(bookMentionView), nextPageToken };
    });
    const none =
      'No book is named here; what is recommended without a name only counts: "podctl feed show ID" tells how many episodes were scored.';
    const shown = this.table(document, columns, flags, none, mentionKey);
    if (unreadEpisodes > 0)
      this.sayBeside([
        `Not read: the lists of ${countWords(unreadEpisodes, 'episode')}; "podctl library verify" tells more.`,
      ]);
    return { ...shown, unreadEpisodes };
  }
}

function mentionKey({ episodeId, startSeconds }: BookMentionView): string {
  return `${episodeId} ${startSeconds}`;
}

const columns: readonly Column<BookMentionView>[] = [
  { head: 'TITLE', cell: ({ title }) => title || '-' },
  { head: 'AUTHOR', cell: ({ author }) => author || '-' },
  { head: 'FEED', cell: ({ feedId }) => feedId },
  { head: 'EPISODE', cell: ({ episodeId }) => episodeId.slice(0, 8), isName: true },
  { head: 'AT', cell: ({ startSeconds }) => clockWords(startSeconds), align: 'right' },
  { head: 'QUOTE', cell: ({ quote }) => quote },
  {
    head: 'SURE',
    cell: ({ confidenceRatio }) => confidenceRatio.toFixed(2),
    align: 'right',
    wide: true,
  },
  { head: 'EPISODE TITLE', cell: ({ episodeTitle }) => episodeTitle, wide: true },
];
