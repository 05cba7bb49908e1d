import * as Args from '@oclif/core/args';
import type { GlobalFlags } from '../../base-command.ts';
import { EXIT } from '../../command-error.ts';
import { idFlag } from '../../id-flag.ts';
import { integerFlag } from '../../integer-flag.ts';
import { ListCommand, type ListFlags } from '../../list-command.ts';
import { clockWords, hitLines } from '../../render/search-lines.ts';
import type { Column } from '../../render/table.ts';
import { countWords } from '../../render/words.ts';
import { sinceFlag } from '../../since-flag.ts';
import type { ListDocument } from '../../views/list-document.ts';
import { type SearchHitView, searchHitView } from '../../views/search-map.ts';
import { terminalStyle } from '../../watch/terminal-style.ts';

/** What `--json` prints. */
interface SearchDocument extends ListDocument<SearchHitView> {
  readonly indexedEpisodes: number;
  /** Transcribed episodes that were not searched: they are not in the index yet. */
  readonly behindEpisodes: number;
}

/** The most that one request gives. */
const PAGE_SIZE_MAX = 100;

export default class TranscriptSearch extends ListCommand {
  static override summary = 'Search what was said in every episode.';
  static override description =
    'All words must be said within a passage of half a minute to a minute. "a phrase" in quotes is found word for word, begin* finds words that begin so, -word leaves out passages with it (after --, or inside the quotes of one word of the shell: before that it would be a flag); case and accents do not count. Newest day first. No hit exits 7.';
  static override examples = [
    '<%= config.bin %> transcript search \'"the long case" -watch\' --feed the-clockmakers',
    '<%= config.bin %> transcript search --since 30d -- clock -watch',
    "<%= config.bin %> transcript search 'astronom*' --json | jq -r '.items[].episodeId'",
  ];
  static override strict = false;
  static override args = {
    query: Args.string({ required: true, description: 'words, "a phrase", begin*, -word' }),
  };
  static override flags = {
    feed: idFlag({ default: '', description: 'only this feed' }),
    since: sinceFlag({
      description:
        'only episodes published since (7d, 2026-03-01); without a date, transcribed since',
    }),
    limit: integerFlag({
      helpGroup: 'LIST',
      min: 1,
      max: 10_000,
      default: 20,
      description: 'at most this many',
    }),
  };

  async run(): Promise<SearchDocument> {
    const { flags, argv } = await this.parse(TranscriptSearch);
    const query = { query: argv.join(' '), feedId: flags.feed, since: flags.since };
    const seen = { indexedEpisodes: 0, behindEpisodes: 0 };
    const found = await this.collect(flags, async (client, { pageSize, pageToken }) => {
      const asked = { ...query, pageSize: Math.min(PAGE_SIZE_MAX, pageSize), pageToken };
      const answer = await client.searchTranscripts(asked);
      seen.indexedEpisodes = Number(answer.indexedEpisodes);
      seen.behindEpisodes = Number(answer.behindEpisodes);
      return { items: answer.hits.map(searchHitView), nextPageToken: answer.nextPageToken };
    });
    const shown = this.show(found, seen.indexedEpisodes, flags);
    if (seen.behindEpisodes > 0)
      this.sayBeside([
        `Not searched: ${countWords(seen.behindEpisodes, 'transcribed episode')}, as the index does not have them yet.`,
      ]);
    process.exitCode = found.items.length === 0 ? EXIT.conditionFalse : EXIT.ok;
    return { ...shown, ...seen };
  }

  /** As passages to read; in every other form as the list that it is. */
  private show(
    found: ListDocument<SearchHitView>,
    indexedEpisodes: number,
    flags: ListFlags & GlobalFlags,
  ): ListDocument<SearchHitView> {
    const none = `Nothing of it is said in the ${countWords(indexedEpisodes, 'episode')} searched.`;
    const isColoured = terminalStyle(flags, process.env, process.stdout.isTTY).color;
    const width = process.stdout.isTTY ? process.stdout.columns : null;
    const lines = (hit: SearchHitView) => hitLines(hit, { isColoured, columns: width });
    return this.table(found, columns(this.timeCell(flags)), flags, none, hitKey, lines);
  }
}

function hitKey({ episodeId, startSeconds }: SearchHitView): string {
  return `${episodeId} ${startSeconds}`;
}

function columns(timeOf: (iso: string | null) => string): readonly Column<SearchHitView>[] {
  return [
    { head: 'FEED', cell: (hit) => hit.feedId },
    { head: 'EPISODE', cell: (hit) => hit.episodeId, isName: true },
    { head: 'TITLE', cell: (hit) => hit.title },
    { head: 'PUBLISHED', cell: (hit) => timeOf(hit.publishedAt), align: 'right' },
    { head: 'AT', cell: (hit) => clockWords(hit.startSeconds), align: 'right' },
    { head: 'PASSAGE', cell: (hit) => hit.snippet },
  ];
}
