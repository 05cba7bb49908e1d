import * as Args from '@oclif/core/args';
import { BaseCommand } from '../../base-command.ts';
import { stageWord } from '../../views/episode-map.ts';
import { yesFlag } from '../../yes-flag.ts';

/** What `--json` prints. */
interface SkippedView {
  readonly episodeId: string;
  readonly stages: readonly string[];
}

export default class EpisodeSkip extends BaseCommand {
  static override summary = 'Do not do what is left of an episode.';
  static override description =
    'A job of it that runs is taken back, and its work so far is lost. What is done stays; what is dead counts as dead no more. "podctl episode retry" has it done after all.';
  static override examples = [
    '<%= config.bin %> episode skip k7qm',
    '<%= config.bin %> episode skip k7qm --yes',
    '<%= config.bin %> episode skip k7qm --yes --json',
  ];
  static override args = {
    id: Args.string({
      required: true,
      description: 'episode id, or a unique beginning of it (4 characters at least)',
    }),
  };
  static override flags = { yes: yesFlag };

  async run(): Promise<SkippedView> {
    const { args, flags } = await this.parse(EpisodeSkip);
    const skipped = await this.withClient(flags, async (client) => {
      if (!flags.yes) await client.getEpisode(args.id);
      await this.confirm(`what is left of episode ${args.id} is given up`, flags);
      return client.feeds.skipEpisode(args.id);
    });
    const stages = skipped.skipped.map(stageWord);
    this.say(
      stages.length === 0
        ? `Nothing of episode ${skipped.episodeId} was left to do.`
        : `Skipped ${stages.join(' and ')} of episode ${skipped.episodeId}. "podctl episode retry ${skipped.episodeId}" has it done after all.`,
    );
    return { episodeId: skipped.episodeId, stages };
  }
}
