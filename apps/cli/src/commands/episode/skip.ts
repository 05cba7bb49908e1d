import * as Args from '@oclif/core/args';
import { BaseCommand } from '../../base-command.ts';
import { inRounds } from '../../bulk-rounds.ts';
import type { CoordinatorClient } from '../../client.ts';
import { type EpisodeChoice, episodeChoice, episodeChoiceFlags } from '../../episode-choice.ts';
import { episodeIds } from '../../episode-ids.ts';
import { countWords } from '../../render/words.ts';
import { stageWord } from '../../views/episode-map.ts';
import { yesFlag } from '../../yes-flag.ts';

/** What `--json` prints. */
interface SkippedView {
  /** Of the one that was named; null in bulk. */
  readonly episodeId: string | null;
  /** What is given up of it; in bulk none is named. */
  readonly stages: readonly string[];
  /** Episodes that were chosen, and those of which something is given up. */
  readonly matched: number;
  readonly skipped: number;
  readonly dryRun: boolean;
}

export default class EpisodeSkip extends BaseCommand {
  static override summary = 'Do not do what is left of an episode, or of many.';
  static override description =
    'A job of it that runs is taken back, and its work so far is lost. What is done stays; what is dead counts as dead no more. "podctl episode retry" has it done after all. In bulk: --dead and --failed, of one feed or of all.';
  static override examples = [
    '<%= config.bin %> episode skip k7qm',
    '<%= config.bin %> episode skip k7qm --yes --json',
    '<%= config.bin %> episode skip --feed in-our-time --dead --dry-run',
  ];
  static override args = {
    id: Args.string({
      description: 'episode id, or a unique beginning of it (4 characters at least)',
    }),
  };
  static override flags = { ...episodeChoiceFlags, yes: yesFlag };

  async run(): Promise<SkippedView> {
    const { args, flags } = await this.parse(EpisodeSkip);
    const named = args.id === undefined ? [] : [args.id];
    const chosen = episodeChoice(named, flags, 'skip');
    if (chosen !== null)
      return this.withClient(flags, (client) => this.skipChosen(client, chosen, flags));
    const [id = ''] = episodeIds(named, 1);
    return this.withClient(flags, (client) => this.skipNamed(client, id, flags));
  }

  private async skipNamed(
    client: CoordinatorClient,
    id: string,
    flags: SkipFlags,
  ): Promise<SkippedView> {
    const dryRun = flags['dry-run'];
    const found = dryRun || !flags.yes ? await client.getEpisode(id) : null;
    const none = { episodeId: found?.episodeId ?? id, stages: [], matched: 1, skipped: 0, dryRun };
    if (dryRun) {
      this.say(`Would skip what is left of episode ${id}. Nothing was changed.`);
      return none;
    }
    await this.confirm(`what is left of episode ${id} is given up`, flags);
    const { episodeId, skipped } = await client.feeds.skipEpisode(id);
    const stages = skipped.map(stageWord);
    this.say(
      stages.length === 0
        ? `Nothing of episode ${episodeId} was left to do.`
        : `Skipped ${stages.join(' and ')} of episode ${episodeId}. "podctl episode retry ${episodeId}" has it done after all.`,
    );
    return { ...none, episodeId, stages, skipped: stages.length === 0 ? 0 : 1 };
  }

  private async skipChosen(
    client: CoordinatorClient,
    choice: EpisodeChoice,
    flags: SkipFlags,
  ): Promise<SkippedView> {
    const dryRun = flags['dry-run'];
    const { matched } = await client.feeds.skipEpisodes({ ...choice, validateOnly: true });
    const none = { episodeId: null, stages: [], matched, skipped: 0, dryRun };
    const words = countWords(matched, 'episode');
    if (matched === 0)
      this.say('Nothing is so: "podctl episode list --dead" and "--failed" show what is.');
    else if (dryRun) this.say(`Would skip what is left of ${words}. Nothing was changed.`);
    if (matched === 0 || dryRun) return none;
    await this.confirm(`what is left of ${words} is given up`, flags);
    const answers = await inRounds(matched, () =>
      client.feeds.skipEpisodes({ ...choice, validateOnly: false }),
    );
    const skipped = answers.reduce((sum, answer) => sum + answer.skipped, 0);
    this.say(
      `Skipped what was left of ${countWords(skipped, 'episode')}. "podctl episode retry" with their ids has them done after all.`,
    );
    return { ...none, skipped };
  }
}

interface SkipFlags {
  readonly yes: boolean;
  readonly 'dry-run': boolean;
  readonly 'no-input': boolean;
}
