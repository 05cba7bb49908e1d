import * as Args from '@oclif/core/args';
import * as Flags from '@oclif/core/flags';
import { BaseCommand } from '../../base-command.ts';
import { CommandError, EXIT } from '../../command-error.ts';
import { feedChangeFlags } from '../../feed-choice-flags.ts';
import { labelsOf } from '../../label-flag.ts';
import { type ChangedFeedView, changedFeedView } from '../../views/feed-change-map.ts';
import {
  engineWordFlags,
  hasWantedFlags,
  type WantedFlagValues,
  wantedFlags,
  wantedOf,
} from '../../wanted-flags.ts';

export default class FeedUpdate extends BaseCommand {
  static override summary = 'Change what is chosen for a feed.';
  static override description =
    'What is not named stays as it is. An empty --model, --language or --keep-audio goes back to that of the fleet. A model, language, prompt or hotwords count for transcriptions that begin from now on. Audio that is still to be transcribed stays whatever --keep-audio says. Which episodes are wanted: a tighter choice takes nothing back, a looser one adds what it let out until now; the feed is read again at once.';
  static override examples = [
    '<%= config.bin %> feed update in-our-time --priority 5',
    '<%= config.bin %> feed update in-our-time --label topic=history --remove-label old',
    '<%= config.bin %> feed update in-our-time --title-skip rerun --min-duration 10m --dry-run',
    '<%= config.bin %> feed update in-our-time --keep-audio untilTranscribed',
  ];
  static override args = { id: Args.string({ required: true, description: 'id of the feed' }) };
  static override flags = {
    ...feedChangeFlags,
    ...wantedFlags,
    ...engineWordFlags,
    'all-episodes': Flags.boolean({
      helpGroup: 'EPISODES',
      description: 'all of them are wanted, but for what is named beside it',
    }),
    'remove-label': Flags.string({
      multiple: true,
      multipleNonGreedy: true,
      helpValue: 'K',
      description: 'take a label off; may be given several times',
    }),
  };

  async run(): Promise<ChangedFeedView> {
    const { args, flags } = await this.parse(FeedUpdate);
    const update = updateOf(flags);
    const asked = Object.keys(update).length + update.removeLabels.length;
    const isWantedAsked = hasWantedFlags(flags) || flags['all-episodes'];
    if (asked === 3 && !isWantedAsked && Object.keys(update.setLabels).length === 0)
      throw new CommandError(
        EXIT.usage,
        'nothing to change was named; give --priority, --book-score, --label, --remove-label, --model, --language, --prompt, --hotwords, --keep-audio, or which episodes are wanted, e.g. --since 90d',
      );
    const { changed } = await this.withClient(flags, async (client) => {
      const wanted = await this.wanted(client, args.id, flags);
      return client.feeds.update(args.id, { ...update, ...wanted });
    });
    const view = changedFeedView(args.id, changed, flags['dry-run']);
    const next = `"podctl feed show ${args.id}" shows it.`;
    if (changed.length === 0) this.say(`All of feed ${args.id} was so already.`);
    else if (flags['dry-run'])
      this.say(`Would change of feed ${args.id}: ${view.changed.join(', ')}.`);
    else this.say(`Changed of feed ${args.id}: ${view.changed.join(', ')}. ${next}`);
    return view;
  }

  /** What is not named of it stays, so what there is must be known. */
  private async wanted(
    client: Parameters<Parameters<BaseCommand['withClient']>[1]>[0],
    id: string,
    flags: WantedFlagValues & { readonly 'all-episodes': boolean },
  ) {
    if (flags['all-episodes']) return { wanted: wantedOf(flags) };
    if (!hasWantedFlags(flags)) return {};
    const { feed } = await client.feeds.get(id);
    return { wanted: wantedOf(flags, feed?.choices?.wanted) };
  }
}

interface UpdateFlags {
  readonly label?: string[] | undefined;
  readonly 'remove-label'?: string[] | undefined;
  readonly 'dry-run': boolean;
  readonly priority?: number | undefined;
  readonly 'book-score'?: number | undefined;
  readonly model?: string | undefined;
  readonly language?: string | undefined;
  readonly prompt?: string | undefined;
  readonly hotwords?: string | undefined;
}

function updateOf(flags: UpdateFlags) {
  return {
    setLabels: labelsOf(flags.label, '--label'),
    removeLabels: flags['remove-label'] ?? [],
    validateOnly: flags['dry-run'],
    ...(flags.priority === undefined ? {} : { priority: flags.priority }),
    ...(flags['book-score'] === undefined ? {} : { bookScore: flags['book-score'] }),
    ...(flags.model === undefined ? {} : { model: flags.model }),
    ...(flags.language === undefined ? {} : { language: flags.language }),
    ...(flags.prompt === undefined ? {} : { prompt: flags.prompt }),
    ...(flags.hotwords === undefined ? {} : { hotwords: flags.hotwords }),
  };
}
