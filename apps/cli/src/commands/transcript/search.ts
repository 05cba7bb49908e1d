import * as Args from '@oclif/core/args';
import * as Flags from '@oclif/core/flags';
import { BaseCommand } from '../../base-command.ts';
import { EXIT } from '../../command-error.ts';
import { integerFlag } from '../../integer-flag.ts';
import { hitLines } from '../../render/search-lines.ts';
import { countWords } from '../../render/words.ts';
import { sinceFlag } from '../../since-flag.ts';
import type { ListDocument } from '../../views/list-document.ts';
import { collectPages } from '../../views/page-collector.ts';
import { type SearchHitView, searchHitView } from '../../views/search-map.ts';

/** What `--json` prints. */
interface SearchDocument extends ListDocument<SearchHitView> {
  readonly indexedEpisodes: number;
  /** Transcribed episodes that were not searched: they are not in the index yet. */
  readonly behindEpisodes: number;
}

const LIMIT = 20;
/** The most that one request gives. */
const PAGE_SIZE_MAX = 100;

export default class TranscriptSearch extends BaseCommand {
  static override summary = 'Search what was said in every episode.';
  static override description =
    'All words must be said within a passage of half a minute to a minute. "a phrase" in quotes is found word for word, begin* finds words that begin so, -word leaves out passages with it; case and accents do not count. Newest day first. No hit exits 7.';
  static override examples = [
    "<%= config.bin %> transcript search 'pendulum clock'",
    '<%= config.bin %> transcript search \'"the long case" -watch\' --feed the-clockmakers',
    "<%= config.bin %> transcript search 'astronom*' --since 30d --json | jq -r '.items[].episodeId'",
  ];
  static override strict = false;
  static override args = {
    query: Args.string({ required: true, description: 'words, "a phrase", begin*, -word' }),
  };
  static override flags = {
    feed: Flags.string({ default: '', helpValue: 'ID', description: 'only this feed' }),
    since: sinceFlag({
      description:
        'only episodes published since (7d, 2026-03-01); without a date, transcribed since',
    }),
    limit: integerFlag({ min: 1, max: 10_000, description: `at most this many (${LIMIT})` }),
    'page-token': Flags.string({
      default: '',
      description: 'go on after an earlier search: its nextPageToken',
    }),
    output: Flags.string({
      char: 'o',
      options: ['table', 'json', 'jsonl'],
      description: 'form of the hits; json is the same as --json, jsonl prints one a line',
    }),
  };

  async run(): Promise<SearchDocument> {
    const { flags, argv } = await this.parse(TranscriptSearch);
    const since = flags.since;
    const query = { query: argv.join(' '), feedId: flags.feed, since };
    const seen = { indexedEpisodes: 0, behindEpisodes: 0 };
    const page = flags['page-token'];
    const found = await this.withClient(flags, (client) =>
      collectPages(
        async ({ pageSize, pageToken }) => {
          const asked = { ...query, pageSize: Math.min(PAGE_SIZE_MAX, pageSize), pageToken };
          const answer = await client.searchTranscripts(asked);
          seen.indexedEpisodes = Number(answer.indexedEpisodes);
          seen.behindEpisodes = Number(answer.behindEpisodes);
          return { items: answer.hits.map(searchHitView), nextPageToken: answer.nextPageToken };
        },
        flags.limit ?? LIMIT,
        page,
      ),
    );
    const document = { ...found, ...seen };
    this.show(document, flags.output === 'jsonl', flags['no-color']);
    process.exitCode = found.items.length === 0 ? EXIT.conditionFalse : EXIT.ok;
    return document;
  }

  private show(document: SearchDocument, asJsonl: boolean, noColour: boolean): void {
    const { items, nextPageToken, indexedEpisodes, behindEpisodes } = document;
    const isColoured = process.stdout.isTTY && !noColour && (process.env.NO_COLOR ?? '') === '';
    for (const hit of items)
      this.lines(asJsonl ? [JSON.stringify(hit)] : hitLines(hit, isColoured));
    if (items.length === 0)
      this.say(`Nothing of it is said in the ${countWords(indexedEpisodes, 'episode')} searched.`);
    if (behindEpisodes > 0)
      this.say(
        `Not searched: ${countWords(behindEpisodes, 'transcribed episode')}, as the index does not have them yet.`,
      );
    if (nextPageToken !== '') this.say(`More follow: go on with --page-token ${nextPageToken}`);
  }
}
