import * as Args from '@oclif/core/args';
import { BaseCommand } from '../../base-command.ts';
import { episodeChoice, episodeChoiceFlags } from '../../episode-choice.ts';
import { episodeIds } from '../../episode-ids.ts';
import { countWords } from '../../render/words.ts';

/** What `--json` prints. */
interface PrioritizedView {
  readonly prioritized: number;
  /** Of which nothing was left to do. */
  readonly done: number;
  readonly dryRun: boolean;
}

const EPISODES_MAX = 100;

export default class EpisodePrioritize extends BaseCommand {
  static override summary = 'Have episodes go before all others.';
  static override description =
    'Their jobs are the next to begin, the first one first, until they are done. Jobs that run are not ended for them. A feed may have 100 such episodes. In bulk: --failed and --dead, of one feed or of all.';
  static override examples = [
    '<%= config.bin %> episode prioritize k7qm',
    '<%= config.bin %> episode prioritize k7qm n3xa --json',
    '<%= config.bin %> episode prioritize --feed in-our-time --failed --dry-run',
  ];
  static override strict = false;
  static override args = {
    id: Args.string({ description: 'episode ids, or unique beginnings of them' }),
  };
  static override flags = episodeChoiceFlags;

  async run(): Promise<PrioritizedView> {
    const { argv, flags } = await this.parse(EpisodePrioritize);
    const chosen = episodeChoice(argv, flags, 'put first');
    const dryRun = flags['dry-run'];
    const choice = chosen ?? { episodeIds: episodeIds(argv, EPISODES_MAX) };
    const { prioritized, done } = await this.withClient(flags, (client) =>
      client.feeds.prioritizeEpisodes({ ...choice, validateOnly: dryRun }),
    );
    const view = { prioritized, done, dryRun };
    this.tell(view, chosen !== null);
    return view;
  }

  private tell({ prioritized, done, dryRun }: PrioritizedView, isBulk: boolean): void {
    const rest = done === 0 ? '' : ` Of ${done} more nothing is left to do.`;
    const none = isBulk
      ? 'Nothing is so that something of it is left to do: "podctl episode list --failed" shows what failed.'
      : 'Nothing of these episodes is left to do.';
    if (prioritized === 0) this.say(none);
    else if (dryRun)
      this.say(
        `Would put ${countWords(prioritized, 'episode')} first.${rest} Nothing was changed.`,
      );
    else
      this.say(
        `${countWords(prioritized, 'episode')} go first now.${rest} Follow the work with "podctl watch".`,
      );
  }
}
