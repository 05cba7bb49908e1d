import * as Args from '@oclif/core/args';
import * as Flags from '@oclif/core/flags';
import { EXIT } from '../../command-error.ts';
import { ListCommand, type ListFlags } from '../../list-command.ts';
import { oneLine } from '../../render/cell.ts';
import type { Column } from '../../render/table.ts';
import { countWords, percentWords } from '../../render/words.ts';
import {
  type CompletenessView,
  completenessView,
  type MissingView,
  missingView,
  type TotalsView,
  totalsView,
} from '../../views/completeness-map.ts';
import type { ListDocument } from '../../views/list-document.ts';
import { collectPages } from '../../views/page-collector.ts';

/** What `--json` prints. */
interface CompletenessDocument extends ListDocument<CompletenessView> {
  readonly totals: TotalsView;
  /** Of the one feed that was asked for; null where all were. */
  readonly missing: readonly MissingView[] | null;
}

/** Missing episodes of a feed that are listed unless --limit says otherwise. */
const MISSING_MAX = 1_000;

export default class ReportCompleteness extends ListCommand {
  static override summary = 'Tell how complete the archive is, feed by feed.';
  static override description =
    'KNOWN is all that a feed ever listed: it never shrinks. LISTED is what it lists now, VANISHED what it lists no more (what is done of that stays). With -o wide also REPLACED, what came back under another GUID, CHANGED, what other audio was offered for later, and FILTERED, what nobody wants. With FEED the episodes that are missing follow.';
  static override examples = [
    '<%= config.bin %> report completeness',
    '<%= config.bin %> report completeness in-our-time --exit-status',
    "<%= config.bin %> report completeness --json | jq '.totals'",
  ];
  static override args = {
    feed: Args.string({ description: 'id of a feed; by default all of them' }),
  };
  static override flags = {
    'exit-status': Flags.boolean({
      description: 'exit 7 when a wanted episode is not transcribed',
    }),
  };

  async run(): Promise<CompletenessDocument> {
    const { args, flags } = await this.parse(ReportCompleteness);
    const { feed } = args;
    const document = await this.collect(flags, async (client, page) => {
      const { feeds, nextPageToken } = await client.listCompleteness(feed ?? '', page);
      return { items: feeds.map(completenessView), nextPageToken };
    });
    const missing = feed === undefined ? null : await this.missing(feed, flags);
    const shown = this.table(
      document,
      this.columns(),
      flags,
      'No feeds yet: add one with "podctl feed add URL".',
    );
    const totals = totalsView(document.items);
    if (missing === null) this.sayBeside([totalWords(totals)]);
    else this.showMissing(missing, totals, flags);
    if (flags['exit-status'] && totals.missing > 0) process.exitCode = EXIT.conditionFalse;
    return { ...shown, totals, missing };
  }

  private async missing(
    feed: string,
    flags: Parameters<ReportCompleteness['withClient']>[0] & {
      readonly limit?: number | undefined;
    },
  ): Promise<readonly MissingView[]> {
    const limit = flags.limit ?? MISSING_MAX;
    const { items } = await this.withClient(flags, (client) =>
      collectPages(
        async (page) => {
          const { episodes, nextPageToken } = await client.listMissingEpisodes(feed, page);
          return { items: episodes.map(missingView), nextPageToken };
        },
        limit,
        '',
      ),
    );
    return items;
  }

  private columns(): readonly Column<CompletenessView>[] {
    const count = (head: string, of: (feed: CompletenessView) => number, wide = false) => ({
      head,
      align: 'right' as const,
      wide,
      cell: (feed: CompletenessView) => String(of(feed)),
    });
    return [
      { head: 'FEED', cell: ({ feedId }) => feedId },
      count('KNOWN', ({ known }) => known),
      count('LISTED', ({ listed }) => listed),
      count('VANISHED', ({ vanished }) => vanished),
      count('REPLACED', ({ replaced }) => replaced, true),
      count('CHANGED', ({ audioChanged }) => audioChanged, true),
      count('FILTERED', ({ filtered }) => filtered, true),
      count('DOWNLOADED', ({ downloaded }) => downloaded),
      count('TRANSCRIBED', ({ transcribed }) => transcribed),
      count('MISSING', ({ missing }) => missing),
      {
        head: 'DONE',
        align: 'right',
        cell: ({ wanted, transcribedRatio }) =>
          wanted === 0 ? '-' : `${percentWords(transcribedRatio)}%`,
      },
    ];
  }

  private showMissing(missing: readonly MissingView[], totals: TotalsView, flags: ListFlags): void {
    if (missing.length === 0) {
      this.sayBeside(['Nothing is missing.']);
      return;
    }
    this.tableBeside(MISSING_COLUMNS, missing, flags);
    if (totals.missing > missing.length)
      this.sayBeside(['More are missing: give a higher --limit.']);
    this.sayBeside(['"podctl episode show ID" tells more of each.']);
  }
}

function totalWords(totals: TotalsView): string {
  const { known, vanished, replaced, audioChanged, filtered, wanted } = totals;
  const ledger = `${known} known, ${vanished} vanished, ${replaced} replaced, ${audioChanged} with other audio, ${filtered} filtered`;
  const done = `${totals.downloaded} downloaded, ${totals.transcribed} transcribed, ${totals.missing} missing`;
  return `${countWords(totals.feeds, 'feed')}: ${ledger}; of ${wanted} wanted ${done}.`;
}

const MISSING_COLUMNS: readonly Column<MissingView>[] = [
  { head: 'MISSING', cell: ({ episodeId }) => episodeId.slice(0, 8) },
  { head: 'AUDIO', cell: ({ downloaded }) => (downloaded ? 'there' : '-') },
  { head: 'VANISHED', cell: ({ vanishedAt }) => vanishedAt?.slice(0, 10) ?? '-' },
  { head: 'TITLE', cell: ({ title }) => oneLine(title) },
  { head: 'REASON', cell: ({ reason }) => oneLine(reason) },
];
