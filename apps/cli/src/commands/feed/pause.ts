import * as Args from '@oclif/core/args';
import { BaseCommand } from '../../base-command.ts';
import { type ChangedFeedView, changedFeedView } from '../../views/feed-change-map.ts';

export default class FeedPause extends BaseCommand {
  static override summary = 'Let no more jobs of a feed begin.';
  static override description =
    'Jobs that run are finished. The feed is read all the same, so that no episode is missed.';
  static override examples = [
    '<%= config.bin %> feed pause in-our-time',
    '<%= config.bin %> feed pause in-our-time --json',
    '<%= config.bin %> feed pause in-our-time --server 127.0.0.1:7070',
  ];
  static override args = { id: Args.string({ required: true, description: 'id of the feed' }) };

  async run(): Promise<ChangedFeedView> {
    const { args, flags } = await this.parse(FeedPause);
    const { changed } = await this.withClient(flags, (client) => client.feeds.pause(args.id));
    this.say(
      changed.length === 0
        ? `Feed ${args.id} was paused already.`
        : `Paused feed ${args.id}: no more of its jobs begin. "podctl feed resume ${args.id}" lets them.`,
    );
    return changedFeedView(args.id, changed, false);
  }
}
