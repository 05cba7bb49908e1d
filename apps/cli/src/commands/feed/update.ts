import * as Args from '@oclif/core/args';
import * as Flags from '@oclif/core/flags';
import { BaseCommand } from '../../base-command.ts';
import { CommandError, EXIT } from '../../command-error.ts';
import { feedChangeFlags } from '../../feed-choice-flags.ts';
import { labelsOf } from '../../label-flag.ts';
import { type ChangedFeedView, changedFeedView } from '../../views/feed-change-map.ts';

export default class FeedUpdate extends BaseCommand {
  static override summary = 'Change what is chosen for a feed.';
  static override description =
    'What is not named stays as it is. An empty --model, --language or --keep-audio goes back to that of the fleet. Audio that is still to be transcribed stays whatever --keep-audio says. A model or language counts for transcriptions that begin from now on.';
  static override examples = [
    '<%= config.bin %> feed update in-our-time --priority 5',
    '<%= config.bin %> feed update in-our-time --label topic=history --remove-label old',
    '<%= config.bin %> feed update in-our-time --language en --dry-run',
    '<%= config.bin %> feed update in-our-time --keep-audio untilTranscribed',
  ];
  static override args = { id: Args.string({ required: true, description: 'id of the feed' }) };
  static override flags = {
    ...feedChangeFlags,
    'remove-label': Flags.string({
      multiple: true,
      multipleNonGreedy: true,
      helpValue: 'K',
      description: 'take a label off; may be given several times',
    }),
  };

  async run(): Promise<ChangedFeedView> {
    const { args, flags } = await this.parse(FeedUpdate);
    const update = {
      setLabels: labelsOf(flags.label, '--label'),
      removeLabels: flags['remove-label'] ?? [],
      validateOnly: flags['dry-run'],
      ...(flags.priority === undefined ? {} : { priority: flags.priority }),
      ...(flags['book-score'] === undefined ? {} : { bookScore: flags['book-score'] }),
      ...(flags.model === undefined ? {} : { model: flags.model }),
      ...(flags.language === undefined ? {} : { language: flags.language }),
      ...(flags['keep-audio'] === undefined ? {} : { keepAudio: flags['keep-audio'] }),
    };
    const asked = Object.keys(update).length + update.removeLabels.length;
    if (asked === 3 && Object.keys(update.setLabels).length === 0)
      throw new CommandError(
        EXIT.usage,
        'nothing to change was named; give --priority, --book-score, --label, --remove-label, --model, --language or --keep-audio',
      );
    const { changed } = await this.withClient(flags, (client) =>
      client.feeds.update(args.id, update),
    );
    const view = changedFeedView(args.id, changed, flags['dry-run']);
    const next = `"podctl feed show ${args.id}" shows it.`;
    if (changed.length === 0) this.say(`All of feed ${args.id} was so already.`);
    else if (flags['dry-run'])
      this.say(`Would change of feed ${args.id}: ${view.changed.join(', ')}.`);
    else this.say(`Changed of feed ${args.id}: ${view.changed.join(', ')}. ${next}`);
    return view;
  }
}
