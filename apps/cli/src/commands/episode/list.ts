import * as Flags from '@oclif/core/flags';
import { idFlag } from '../../id-flag.ts';
import { ListCommand } from '../../list-command.ts';
import { qualityWords } from '../../render/quality-words.ts';
import type { Column } from '../../render/table.ts';
import { durationWords, percentWords } from '../../render/words.ts';
import {
  type EpisodeView,
  episodeView,
  STAGE_NAMES,
  STAGE_STATES,
  type StageView,
  stageOf,
  stageStateOf,
} from '../../views/episode-map.ts';
import type { ListDocument } from '../../views/list-document.ts';

export default class EpisodeList extends ListCommand {
  static override summary = 'List episodes and how far each is.';
  static override examples = [
    '<%= config.bin %> episode list',
    '<%= config.bin %> episode list --feed the-clockmakers --dead -o wide',
    "<%= config.bin %> episode list --json | jq -r '.items[].episodeId'",
  ];
  static override flags = {
    feed: idFlag({ default: '', description: 'only this feed' }),
    state: Flags.string({
      multiple: true,
      multipleNonGreedy: true,
      options: STAGE_STATES,
      description: 'only episodes with a stage in this state; may be given several times',
    }),
    dead: Flags.boolean({ default: false, description: 'the same as --state dead' }),
    failed: Flags.boolean({
      default: false,
      description: 'episodes that failed, or were lost, and wait for their next attempt',
    }),
    titles: Flags.boolean({
      default: true,
      allowNo: true,
      description:
        'with titles and days, which are read one by one: an archive of 100,000 episodes is listed sooner without',
    }),
    stage: Flags.string({
      options: STAGE_NAMES,
      description: 'with --state, --dead or --failed: of this stage only',
    }),
  };

  async run(): Promise<ListDocument<EpisodeView>> {
    const { flags } = await this.parse(EpisodeList);
    const words = [...(flags.state ?? []), ...(flags.dead ? ['dead'] : [])];
    const filter = {
      states: words.map(stageStateOf),
      failed: flags.failed,
      stage: stageOf(flags.stage),
    };
    // Names need none.
    const withTitles = flags.titles && flags.output !== 'name';
    const isFiltered = words.length > 0 || flags.failed;
    const document = await this.collect(flags, async (client, page) => {
      const { episodes, nextPageToken } = await client.listEpisodes(
        flags.feed,
        page,
        filter,
        withTitles,
      );
      return { items: episodes.map(episodeView), nextPageToken };
    });
    const none = isFiltered
      ? 'No episode is so: "podctl episode list" shows all of them.'
      : 'No episodes yet: "podctl feed list" shows whether the feeds were read.';
    return this.table(document, columns, flags, none);
  }
}

const columns: readonly Column<EpisodeView>[] = [
  { head: 'EPISODE', cell: (episode) => episode.episodeId },
  { head: 'FEED', cell: (episode) => episode.feedId },
  { head: 'DOWNLOAD', cell: (episode) => stageWords(episode, 'download') },
  { head: 'TRANSCRIBE', cell: (episode) => stageWords(episode, 'transcribe') },
  { head: 'SCORE', cell: (episode) => stageWords(episode, 'score'), wide: true },
  { head: 'AUDIO', cell: audioWords, align: 'right' },
  {
    head: 'QUALITY',
    cell: ({ qualityRatio }) => qualityWords(qualityRatio),
    align: 'right',
    wide: true,
  },
  { head: 'TITLE', cell: (episode) => episode.title },
  { head: 'REASON', cell: (episode) => reason(episode), wide: true },
];

function stageWords(episode: EpisodeView, name: StageView['stage']): string {
  const stage = episode.stages.find((found) => found.stage === name);
  if (stage === undefined) return '-';
  return stage.state === 'running' ? `running ${percentWords(stage.progressRatio)}%` : stage.state;
}

function audioWords(episode: EpisodeView): string {
  return episode.audioSeconds > 0 ? durationWords(episode.audioSeconds) : '-';
}

function reason(episode: EpisodeView): string {
  return episode.stages.find((stage) => stage.reason !== '')?.reason ?? '';
}
