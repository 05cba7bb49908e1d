import * as Args from '@oclif/core/args';
import { BaseCommand } from '../../base-command.ts';
import { episodeIds } from '../../episode-ids.ts';
import { countWords } from '../../render/words.ts';

/** What `--json` prints. */
interface PrioritizedView {
  readonly prioritized: number;
  /** Of which nothing was left to do. */
  readonly done: number;
}

const EPISODES_MAX = 100;

export default class EpisodePrioritize extends BaseCommand {
  static override summary = 'Have episodes go before all others.';
  static override description =
    'Their jobs are the next to begin, the first one first, until they are done. Jobs that run are not ended for them. A feed may have 100 such episodes.';
  static override examples = [
    '<%= config.bin %> episode prioritize k7qm',
    '<%= config.bin %> episode prioritize k7qm n3xa',
    '<%= config.bin %> episode prioritize k7qm --json',
  ];
  static override strict = false;
  static override args = {
    id: Args.string({ description: 'episode ids, or unique beginnings of them' }),
  };

  async run(): Promise<PrioritizedView> {
    const { argv, flags } = await this.parse(EpisodePrioritize);
    const ids = episodeIds(argv, EPISODES_MAX);
    const { prioritized, done } = await this.withClient(flags, (client) =>
      client.feeds.prioritizeEpisodes(ids),
    );
    const rest = done === 0 ? '' : ` Of ${done} more nothing is left to do.`;
    this.say(
      prioritized === 0
        ? 'Nothing of these episodes is left to do.'
        : `${countWords(prioritized, 'episode')} go first now.${rest} Follow the work with "podctl watch".`,
    );
    return { prioritized, done };
  }
}
