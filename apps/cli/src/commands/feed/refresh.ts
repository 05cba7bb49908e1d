import { setTimeout as sleep } from 'node:timers/promises';
import * as Args from '@oclif/core/args';
import * as Flags from '@oclif/core/flags';
import type { FeedDetail } from '@podctl/proto/podctl/v1/feed.ts';
import { BaseCommand } from '../../base-command.ts';
import type { CoordinatorClient } from '../../client.ts';
import { CommandError, EXIT } from '../../command-error.ts';
import { countWords } from '../../render/words.ts';

/** What `--json` prints. */
interface RefreshedView {
  readonly feedId: string;
  /** True when it was waited for, and was read. */
  readonly read: boolean;
  readonly episodes: number;
  /** What went wrong, one sentence; empty when nothing did or it was not waited for. */
  readonly problem: string;
}

const LOOK_EVERY_MS = 300;
const WAIT_MS_MAX = 2 * 60_000;

export default class FeedRefresh extends BaseCommand {
  static override summary = 'Have a feed read now.';
  static override description =
    'With --wait it ends when the feed was read: with 1 when that failed, and with 6 after two minutes.';
  static override examples = [
    '<%= config.bin %> feed refresh in-our-time',
    '<%= config.bin %> feed refresh in-our-time --wait',
    '<%= config.bin %> feed refresh in-our-time --wait --json',
  ];
  static override args = { id: Args.string({ required: true, description: 'id of the feed' }) };
  static override flags = {
    wait: Flags.boolean({ description: 'wait until it was read, or could not be' }),
  };

  async run(): Promise<RefreshedView> {
    const { args, flags } = await this.parse(FeedRefresh);
    return this.withClient(flags, async (client) => {
      await client.feeds.refresh(args.id);
      if (flags.wait) return this.tell(await readFeed(client, args.id));
      this.say(
        `Feed ${args.id} is read next. "podctl feed show ${args.id}" shows what came of it.`,
      );
      return { feedId: args.id, read: false, episodes: 0, problem: '' };
    });
  }

  private tell({ feed, failedPolls, listed }: FeedDetail): RefreshedView {
    const { feedId = '', episodes = 0, problem = '' } = feed ?? {};
    if (failedPolls > 0) {
      process.exitCode = EXIT.failed;
      this.say(`Feed ${feedId} could not be read: ${problem}`);
    } else {
      const known = `${countWords(episodes, 'episode')} known`;
      this.say(
        `Read feed ${feedId}: it lists ${listed}, ${known}. Follow the work with "podctl watch".`,
      );
    }
    return { feedId, read: failedPolls === 0, episodes, problem };
  }
}

/** The feed after it was read, or could not be: its next poll has a time then. */
async function readFeed(client: CoordinatorClient, feedId: string): Promise<FeedDetail> {
  const until = Date.now() + WAIT_MS_MAX;
  for (;;) {
    const detail = await client.feeds.get(feedId);
    if (detail.nextPollAt !== undefined) return detail;
    if (Date.now() >= until)
      throw new CommandError(
        EXIT.deadline,
        `feed ${feedId} was not read within ${WAIT_MS_MAX / 60_000} minutes; "podctl doctor" looks for the cause`,
      );
    await sleep(LOOK_EVERY_MS);
  }
}
