import * as Args from '@oclif/core/args';
import * as Flags from '@oclif/core/flags';
import {
  type FeedPurge,
  FeedPurge_State,
  type RemoveFeedResponse,
} from '@podctl/proto/podctl/v1/feed.ts';
import { BaseCommand } from '../../base-command.ts';
import { CommandError, EXIT } from '../../command-error.ts';
import type { FeedCalls } from '../../feed-calls.ts';
import { countWords, sizeWords } from '../../render/words.ts';
import { isoTime } from '../../views/list-document.ts';
import { yesFlag } from '../../yes-flag.ts';

/** What `--json` prints. */
interface RemovedView {
  readonly feedId: string;
  readonly jobsTakenBack: number;
  /** Null without --purge. */
  readonly purge: PurgeView | null;
}

interface PurgeView {
  /** `not-asked` of a dry run; `wanted` while files go, `done` when none is left. */
  readonly state: 'not-asked' | 'wanted' | 'done';
  readonly since: string | null;
  readonly results: number;
  readonly files: number;
  readonly sizeBytes: number;
}

export default class FeedRemove extends BaseCommand {
  static override summary = 'Take a feed off every list; its files stay, unless --purge is given.';
  static override description =
    'Its jobs are taken back, and it is read no more. What is done stays in the library and is remembered: adding the feed again by its URL brings it back, and nothing is done twice. With --purge its files go, too: audio, transcripts and readable names. That happens in the background and cannot be taken back; added again after it, all its episodes are downloaded and transcribed anew. A feed that was removed before can be purged later, and asked again the command says how far it is.';
  static override examples = [
    '<%= config.bin %> feed remove in-our-time',
    '<%= config.bin %> feed remove in-our-time --yes --json',
    '<%= config.bin %> feed remove in-our-time --purge --dry-run',
    '<%= config.bin %> feed remove in-our-time --purge --yes',
  ];
  static override args = { id: Args.string({ required: true, description: 'id of the feed' }) };
  static override flags = {
    yes: yesFlag,
    purge: Flags.boolean({ description: 'remove its files from the library, too, for good' }),
    'dry-run': Flags.boolean({ description: 'say what would go, and remove nothing' }),
  };

  async run(): Promise<RemovedView> {
    const { args, flags } = await this.parse(FeedRemove);
    return this.withClient(flags, async ({ feeds }) => {
      // A misspelled id is told before anybody is asked.
      const isLookedAt = flags['dry-run'] || !flags.yes;
      const size = isLookedAt ? await lookAt(feeds, args.id, flags.purge) : undefined;
      if (flags['dry-run']) return this.dryRun(args.id, flags.purge, size);
      const files = flags.purge ? `, and ${whatGoes(size)}` : '';
      const what = `feed ${args.id} is taken off every list, its jobs are taken back${files}`;
      await this.confirm(what, flags);
      return this.removed(args.id, flags.purge, await feeds.remove(args.id, flags.purge));
    });
  }

  private removed(feedId: string, isPurge: boolean, answer: RemoveFeedResponse): RemovedView {
    const { jobsTakenBack, purge } = answer;
    const view = { feedId, jobsTakenBack, purge: purge === undefined ? null : viewOf(purge) };
    if (isPurge && view.purge === null)
      throw new CommandError(
        EXIT.failed,
        `feed ${feedId} is removed, but its files stay: the coordinator is of an older version that purges none; update it and run the same again`,
      );
    this.tell(view);
    return view;
  }

  private dryRun(feedId: string, isPurge: boolean, size: FeedPurge | undefined): RemovedView {
    const files = isPurge ? `, and ${whatGoes(size)}` : '; its files stay';
    this.say(`Would remove feed ${feedId}${files}. Nothing was changed.`);
    return { feedId, jobsTakenBack: 0, purge: size === undefined ? null : viewOf(size) };
  }

  private tell({ feedId, jobsTakenBack, purge }: RemovedView): void {
    const jobs = jobsTakenBack === 0 ? '' : `, and took back ${jobsTakenBack} of its jobs`;
    if (purge === null)
      this.say(
        `Removed feed ${feedId}${jobs}. Its files stay; "podctl feed add" with its URL brings it back.`,
      );
    else if (purge.state === 'done')
      this.say(
        `Feed ${feedId} is removed and purged: nothing of it is left in the library. "podctl feed add" with its URL has it all done anew.`,
      );
    else
      this.say(
        `Removed feed ${feedId}${jobs}. Its files go now: ${sizeOf(purge)}. "podctl events --feed ${feedId} --type feed-purged -f" tells when they are gone.`,
      );
  }
}

/** Only a purge finds a feed that was removed before. */
async function lookAt(
  feeds: FeedCalls,
  feedId: string,
  isPurge: boolean,
): Promise<FeedPurge | undefined> {
  if (isPurge) return feeds.removal(feedId);
  await feeds.get(feedId);
  return undefined;
}

function whatGoes(size: FeedPurge | undefined): string {
  if (size === undefined) return 'all its files go for good';
  const view = viewOf(size);
  return view.state === 'done' ? 'no file of it is left' : `its files go for good: ${sizeOf(view)}`;
}

function sizeOf({ files, sizeBytes }: PurgeView): string {
  return `${countWords(files, 'file')}, ${sizeWords(sizeBytes)}`;
}

function viewOf({ state, since, results, files, bytes }: FeedPurge): PurgeView {
  return {
    state: stateWord(state),
    since: isoTime(since),
    results: Number(results),
    files: Number(files),
    sizeBytes: Number(bytes),
  };
}

function stateWord(state: FeedPurge_State | undefined): PurgeView['state'] {
  switch (state) {
    case FeedPurge_State.WANTED:
      return 'wanted';
    case FeedPurge_State.DONE:
      return 'done';
    default:
      return 'not-asked';
  }
}
