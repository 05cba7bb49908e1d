import * as Args from '@oclif/core/args';
import * as Flags from '@oclif/core/flags';
import { BaseCommand } from '../../base-command.ts';
import { CommandError, EXIT } from '../../command-error.ts';
import { episodeChoice, episodeChoiceFlags } from '../../episode-choice.ts';
import { episodeIds } from '../../episode-ids.ts';
import type { RetryChoice } from '../../feed-calls.ts';
import { countWords } from '../../render/words.ts';
import { type Retried, retryAll } from '../../retry-rounds.ts';
import { STAGE_NAMES, stageOf } from '../../views/episode-map.ts';

/** What `--json` prints. */
interface RetriedView extends Retried {
  readonly dryRun: boolean;
}

const EPISODES_MAX = 250;

/** Empty for none. Throws CommandError (usage). */
function modelOf({
  model,
  stage,
}: {
  model?: string | undefined;
  stage?: string | undefined;
}): string {
  if (model === undefined) return '';
  if (model.trim() === '')
    throw new CommandError(
      EXIT.usage,
      '--model is empty, where the name of a model was expected; leave it out for the model of the feed',
    );
  if (stage === 'transcribe') return model;
  throw new CommandError(EXIT.usage, '--model is of transcription; add --stage transcribe');
}

export default class EpisodeRetry extends BaseCommand {
  static override summary = 'Try jobs of episodes again, now.';
  static override description =
    'Of episodes that are named: what is dead, skipped or canceled, what failed and waits for its next attempt; with --stage, a done job is done anew, and its result stands until the new one is there ("podctl transcript versions" lists both then). In bulk: --dead and --failed, of one feed or of all.';
  static override examples = [
    '<%= config.bin %> episode retry k7qm',
    '<%= config.bin %> episode retry --feed in-our-time --dead --dry-run',
    '<%= config.bin %> episode retry k7qm --stage transcribe',
    '<%= config.bin %> episode retry k7qm --stage transcribe --model large-v3',
  ];
  static override strict = false;
  static override args = {
    id: Args.string({ description: 'episode ids, or unique beginnings of them' }),
  };
  static override flags = {
    ...episodeChoiceFlags,
    stage: Flags.string({ options: STAGE_NAMES, description: 'only this stage' }),
    model: Flags.string({
      helpValue: 'NAME',
      description:
        'with this model, for these runs alone; with --stage transcribe. "auto" takes back one that was asked for before',
    }),
  };

  async run(): Promise<RetriedView> {
    const { argv, flags } = await this.parse(EpisodeRetry);
    const chosen = episodeChoice(argv, flags, 'try again');
    const isBulk = chosen !== null;
    const choice: RetryChoice = {
      stage: stageOf(flags.stage),
      model: modelOf(flags),
      ...(chosen ?? { episodeIds: episodeIds(argv, EPISODES_MAX) }),
    };
    const dryRun = flags['dry-run'];
    const done = await this.withClient(flags, (client) =>
      retryAll(client.feeds, { ...choice, validateOnly: dryRun }, (matched) =>
        this.say(`${countWords(matched, 'job')} to try again.`),
      ),
    );
    const retried = { ...done, dryRun };
    this.tell(retried, isBulk, flags.stage !== undefined);
    return retried;
  }

  private tell(
    { matched, requested, dryRun }: RetriedView,
    isBulk: boolean,
    hasStage: boolean,
  ): void {
    if (matched === 0)
      this.say(
        isBulk
          ? 'Nothing is so: "podctl episode list --dead" and "--failed" show what is.'
          : `Nothing of these episodes is to be tried again: ${hasStage ? 'what was asked for before is still to be done, "podctl episode show ID" tells' : 'with --stage a done job is done anew'}.`,
      );
    else if (dryRun)
      this.say(`Would try ${countWords(matched, 'job')} again. Nothing was changed.`);
    else
      this.say(
        `Trying ${countWords(requested, 'job')} again. Follow the work with "podctl watch".`,
      );
  }
}
