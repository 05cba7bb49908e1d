import * as Args from '@oclif/core/args';
import { BaseCommand } from '../../base-command.ts';
import { yesFlag } from '../../yes-flag.ts';

/** What `--json` prints. */
interface RemovedView {
  readonly feedId: string;
  readonly jobsTakenBack: number;
}

export default class FeedRemove extends BaseCommand {
  static override summary = 'Take a feed off every list; its files stay.';
  static override description =
    'Its jobs are taken back, and it is read no more. What is done stays in the library and is remembered: adding the feed again by its URL brings it back, and nothing is done twice.';
  static override examples = [
    '<%= config.bin %> feed remove in-our-time',
    '<%= config.bin %> feed remove in-our-time --yes',
    '<%= config.bin %> feed remove in-our-time --yes --json',
  ];
  static override args = { id: Args.string({ required: true, description: 'id of the feed' }) };
  static override flags = { yes: yesFlag };

  async run(): Promise<RemovedView> {
    const { args, flags } = await this.parse(FeedRemove);
    const removed = await this.withClient(flags, async (client) => {
      if (!flags.yes) await client.feeds.get(args.id);
      await this.confirm(
        `feed ${args.id} is taken off every list, and its jobs are taken back`,
        flags,
      );
      return client.feeds.remove(args.id);
    });
    const { jobsTakenBack } = removed;
    const jobs = jobsTakenBack === 0 ? '' : `, and took back ${jobsTakenBack} of its jobs`;
    this.say(
      `Removed feed ${args.id}${jobs}. Its files stay; "podctl feed add" with its URL brings it back.`,
    );
    return { feedId: args.id, jobsTakenBack };
  }
}
