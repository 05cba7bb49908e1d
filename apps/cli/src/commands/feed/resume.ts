import * as Args from '@oclif/core/args';
import { BaseCommand } from '../../base-command.ts';
import { type ChangedFeedView, changedFeedView } from '../../views/feed-change-map.ts';

export default class FeedResume extends BaseCommand {
  static override summary = 'Let the jobs of a paused feed begin again.';
  static override examples = [
    '<%= config.bin %> feed resume in-our-time',
    '<%= config.bin %> feed resume in-our-time --json',
    '<%= config.bin %> feed resume in-our-time --server 127.0.0.1:7070',
  ];
  static override args = { id: Args.string({ required: true, description: 'id of the feed' }) };

  async run(): Promise<ChangedFeedView> {
    const { args, flags } = await this.parse(FeedResume);
    const { changed } = await this.withClient(flags, (client) => client.feeds.resume(args.id));
    this.say(
      changed.length === 0
        ? `Feed ${args.id} was not paused.`
        : `Resumed feed ${args.id}: its jobs begin again. Follow them with "podctl watch".`,
    );
    return changedFeedView(args.id, changed, false);
  }
}
