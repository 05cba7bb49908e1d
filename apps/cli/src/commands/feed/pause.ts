import { type ChangedFeedsView, feedsArgs, feedsFlags } from '../../feeds-meant.ts';
import { PausingCommand } from '../../pausing-command.ts';

export default class FeedPause extends PausingCommand {
  static override summary = 'Let no more jobs of feeds begin.';
  static override description =
    'Jobs that run are finished. A paused feed is read all the same, so that no episode is missed.';
  static override examples = [
    '<%= config.bin %> feed pause in-our-time',
    '<%= config.bin %> feed pause -l topic=history',
    "<%= config.bin %> feed pause in-our-time thinking-allowed --json | jq '.feeds | length'",
  ];
  static override strict = false;
  static override args = feedsArgs;
  static override flags = feedsFlags;

  async run(): Promise<ChangedFeedsView> {
    const { argv, flags } = await this.parse(FeedPause);
    return this.change(argv, flags, {
      isPause: true,
      already: (feedId) => `Feed ${feedId} was paused already.`,
      changed: (feeds, its, ids) =>
        `Paused ${feeds}: no more of ${its} jobs begin. "podctl feed resume ${ids}" lets them.`,
    });
  }
}
