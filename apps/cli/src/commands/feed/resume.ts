import { type ChangedFeedsView, feedsArgs, feedsFlags } from '../../feeds-meant.ts';
import { PausingCommand } from '../../pausing-command.ts';

export default class FeedResume extends PausingCommand {
  static override summary = 'Let the jobs of paused feeds begin again.';
  static override examples = [
    '<%= config.bin %> feed resume in-our-time',
    '<%= config.bin %> feed resume --all',
    "<%= config.bin %> feed resume -l topic=history --json | jq '.feeds | length'",
  ];
  static override strict = false;
  static override args = feedsArgs;
  static override flags = feedsFlags;

  async run(): Promise<ChangedFeedsView> {
    const { argv, flags } = await this.parse(FeedResume);
    return this.change(argv, flags, {
      isPause: false,
      already: (feedId) => `Feed ${feedId} was not paused.`,
      changed: (feeds, its) =>
        `Resumed ${feeds}: ${its} jobs begin again. Follow them with "podctl watch".`,
    });
  }
}
