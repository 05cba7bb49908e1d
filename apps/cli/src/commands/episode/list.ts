import * as Flags from '@oclif/core/flags';
import { ListCommand } from '../../list-command.ts';
import type { Column } from '../../render/table.ts';
import { durationWords, percentWords } from '../../render/words.ts';
import { type EpisodeView, episodeView, type StageView } from '../../views/episode-map.ts';
import type { ListDocument } from '../../views/list-document.ts';

export default class EpisodeList extends ListCommand {
  static override summary = 'List episodes and how far each is.';
  static override examples = [
    '<%= config.bin %> episode list',
    '<%= config.bin %> episode list --feed the-clockmakers',
    "<%= config.bin %> episode list --json | jq -r '.items[].episodeId'",
  ];
  static override flags = {
    feed: Flags.string({ default: '', helpValue: 'ID', description: 'only this feed' }),
  };

  async run(): Promise<ListDocument<EpisodeView>> {
    const { flags } = await this.parse(EpisodeList);
    const document = await this.collect(flags, async (client, page) => {
      const { episodes, nextPageToken } = await client.listEpisodes(flags.feed, page);
      return { items: episodes.map(episodeView), nextPageToken };
    });
    const none = 'No episodes yet: "podctl feed list" shows whether the feeds were read.';
    return this.table(document, columns, flags, none);
  }
}

const columns: readonly Column<EpisodeView>[] = [
  { head: 'EPISODE', cell: (episode) => episode.episodeId },
  { head: 'FEED', cell: (episode) => episode.feedId },
  { head: 'DOWNLOAD', cell: (episode) => stageWords(episode, 'download') },
  { head: 'TRANSCRIBE', cell: (episode) => stageWords(episode, 'transcribe') },
  { head: 'AUDIO', cell: audioWords, align: 'right' },
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
