import * as Args from '@oclif/core/args';
import * as Flags from '@oclif/core/flags';
import { integerFlag } from '../../integer-flag.ts';
import { ListCommand } from '../../list-command.ts';
import { oneLine } from '../../render/cell.ts';
import { qualityWords, weakestWords } from '../../render/quality-words.ts';
import type { Column } from '../../render/table.ts';
import { shareFlag } from '../../share-flag.ts';
import { sinceFlag } from '../../since-flag.ts';
import type { ListDocument } from '../../views/list-document.ts';
import {
  type PoorEpisodeView,
  poorEpisodeView,
  QUALITY_GROUPS,
  type QualityRowView,
  qualityGroupOf,
  qualityRowView,
} from '../../views/quality-map.ts';

/** What `--json` prints. */
interface QualityDocument extends ListDocument<QualityRowView> {
  /** The worst transcripts, the worst one first. */
  readonly worst: readonly PoorEpisodeView[];
  /** Only so many of the newest transcripts were read; 0: all of them counted. */
  readonly newestOnly: number;
}

const BELOW = 0.5;

export default class ReportQuality extends ListCommand {
  static override summary = 'Tell how far the transcripts are to be trusted.';
  static override description =
    'Each transcript is judged by how sure the model was, by loops, pace, how much of the speech has words, and language: 0 is nothing, 1 is all well. Silence and music have no quality. By model or agent, or with --since, the newest 2,000 transcripts are looked at. The worst ones follow, with why.';
  static override examples = [
    '<%= config.bin %> report quality',
    '<%= config.bin %> report quality --by model --since 7d',
    "<%= config.bin %> report quality in-our-time --below 0.6 --json | jq -r '.worst[].episodeId'",
  ];
  static override args = {
    feed: Args.string({ description: 'id of a feed; by default all of them' }),
  };
  static override flags = {
    by: Flags.string({
      options: [...QUALITY_GROUPS],
      default: 'feed',
      description: 'sum by feed, model or agent',
    }),
    since: sinceFlag({ description: 'only transcripts made since: 12h, 7d, a day or a time' }),
    below: shareFlag({
      helpValue: 'RATIO',
      description: `what is below counts as poor, and is listed [default: ${BELOW}]`,
    }),
    worst: integerFlag({
      min: 0,
      max: 100,
      description: 'list so many of the worst transcripts [default: 10]',
    }),
  };

  async run(): Promise<QualityDocument> {
    const { args, flags } = await this.parse(ReportQuality);
    const { since, below = BELOW, worst: worstMax = 10 } = flags;
    const asked = { feedId: args.feed ?? '', since, belowRatio: below };
    let newestOnly = 0;
    const document = await this.collect(flags, async (client, page) => {
      const groupBy = qualityGroupOf(flags.by);
      const answer = await client.quality.list({ ...asked, ...page, groupBy });
      newestOnly = answer.newestOnly;
      return { items: answer.rows.map(qualityRowView), nextPageToken: answer.nextPageToken };
    });
    const { episodes } =
      worstMax === 0
        ? { episodes: [] }
        : await this.withClient(flags, (client) =>
            client.quality.poor({ ...asked, pageSize: worstMax }),
          );
    const worst = episodes.map(poorEpisodeView);
    const shown = this.table(
      document,
      columns(flags.by, below),
      flags,
      'No transcript has a quality yet: those of silence and of older versions have none.',
    );
    if (this.tableBeside(WORST_COLUMNS, worst, flags))
      this.sayBeside([
        `Below ${below}: "podctl episode show ID" tells more, "podctl episode retry ID --stage transcribe" has one made anew.`,
      ]);
    if (newestOnly > 0)
      this.sayBeside([`Only the newest ${newestOnly} transcripts were looked at.`]);
    return { ...shown, worst, newestOnly };
  }
}

function columns(by: string, below: number): readonly Column<QualityRowView>[] {
  const right = { align: 'right' } as const;
  return [
    { head: by.toUpperCase(), cell: ({ name }) => oneLine(name) },
    { head: 'TRANSCRIPTS', ...right, cell: ({ episodes }) => String(episodes) },
    { head: 'QUALITY', ...right, cell: ({ meanRatio }) => qualityWords(meanRatio) },
    { head: 'WORST', ...right, cell: ({ worstRatio }) => qualityWords(worstRatio) },
    { head: `BELOW ${below}`, ...right, cell: ({ poor }) => String(poor) },
  ];
}

const WORST_COLUMNS: readonly Column<PoorEpisodeView>[] = [
  { head: 'WORST', cell: ({ episodeId }) => episodeId.slice(0, 8) },
  { head: 'QUALITY', align: 'right', cell: ({ qualityRatio }) => qualityWords(qualityRatio) },
  { head: 'FEED', cell: ({ feedId }) => feedId },
  { head: 'WHY', cell: (episode) => weakestWords(episode) || '-' },
  { head: 'TITLE', cell: ({ title }) => oneLine(title) },
  { head: 'MODEL', wide: true, cell: ({ model }) => model || '-' },
  { head: 'AGENT', wide: true, cell: ({ agentId }) => agentId || '-' },
  { head: 'SECOND PASS', wide: true, cell: ({ secondPass }) => secondPass || '-' },
];
