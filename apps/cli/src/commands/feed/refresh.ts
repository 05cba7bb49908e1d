import * as Args from '@oclif/core/args';
import * as Flags from '@oclif/core/flags';
import type { FeedDetail } from '@podctl/proto/podctl/v1/feed.ts';
import { BaseCommand } from '../../base-command.ts';
import { EXIT } from '../../command-error.ts';
import { durationFlag } from '../../duration-flag.ts';
import { untilPolled } from '../../refresh-wait.ts';
import { countWords } from '../../render/words.ts';
import { lastPollView, type PollResultWord } from '../../views/feed-map.ts';

const NOTHING = { read: false, episodes: 0, problem: '', result: null, newEpisodes: 0 } as const;

/** What `--json` prints. */
interface RefreshedView {
  readonly feedId: string;
  /** True when it was waited for, and was read. */
  readonly read: boolean;
  readonly episodes: number;
  /** What went wrong, one sentence; empty when nothing did or it was not waited for. */
  readonly problem: string;
  /** What came of it; null when it was not waited for. */
  readonly result: PollResultWord | null;
  readonly newEpisodes: number;
}

const WAIT_MS_MAX = 2 * 60_000;

export default class FeedRefresh extends BaseCommand {
  static override summary = 'Have a feed read now.';
  static override description =
    'With --wait it ends when the feed was read, and says what came: with 1 when it could not be read or is gone, and with 6 after --give-up-after. Ctrl-C ends the waiting; the feed is read all the same.';
  static override examples = [
    '<%= config.bin %> feed refresh in-our-time',
    '<%= config.bin %> feed refresh in-our-time --wait',
    '<%= config.bin %> feed refresh in-our-time --wait --json',
  ];
  static override args = { id: Args.string({ required: true, description: 'id of the feed' }) };
  static override flags = {
    wait: Flags.boolean({ description: 'wait until it was read, or could not be' }),
    'give-up-after': durationFlag({
      helpValue: '2m',
      dependsOn: ['wait'],
      description: 'leave with 6 when it takes longer than this (2m)',
    }),
  };

  async run(): Promise<RefreshedView> {
    const { args, flags } = await this.parse(FeedRefresh);
    return this.withClient(flags, async (client) => {
      const before = flags.wait ? await client.feeds.get(args.id) : null;
      await client.feeds.refresh(args.id);
      const waitMs = flags['give-up-after'] ?? WAIT_MS_MAX;
      if (flags.wait)
        return this.tell(await untilPolled(client, args.id, waitMs, before?.lastPoll?.endedAt));
      this.say(
        `Feed ${args.id} is read next. "podctl feed show ${args.id}" shows what came of it.`,
      );
      return { ...NOTHING, feedId: args.id };
    });
  }

  private tell(detail: FeedDetail): RefreshedView {
    const { feed, failedPolls, listed } = detail;
    const { feedId = '', episodes = 0, problem = '' } = feed ?? {};
    const { result = null, newEpisodes = 0 } = lastPollView(detail) ?? {};
    const isRead = failedPolls === 0;
    if (!isRead) process.exitCode = EXIT.failed;
    const known = `it lists ${listed}, ${countWords(episodes, 'episode')} known`;
    const what = newEpisodes > 0 ? countWords(newEpisodes, 'new episode') : 'nothing new';
    const tried =
      result === 'gone'
        ? 'It is not asked again by itself.'
        : `It is tried again by itself; "podctl feed show ${feedId}" shows when.`;
    this.say(
      isRead
        ? `Read feed ${feedId}: ${what}; ${known}. Follow the work with "podctl watch".`
        : `Feed ${feedId} could not be read: ${problem}. ${tried}`,
    );
    return { feedId, read: isRead, episodes, problem, result, newEpisodes };
  }
}
