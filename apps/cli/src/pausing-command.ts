import { BaseCommand, type GlobalFlags } from './base-command.ts';
import { type ChangedFeedsView, changedFeedsView, feedsMeant } from './feeds-meant.ts';
import { countWords } from './render/words.ts';
import { changedFeedView } from './views/feed-change-map.ts';

/** The words of pausing, or of resuming. */
export interface PausingWords {
  readonly isPause: boolean;
  /** Of one feed that was so already. */
  already(feedId: string): string;
  /** What became of feeds: `feed a` or `3 feeds`, whose jobs (`its`), and the ids for a next command. */
  changed(feeds: string, its: string, ids: string): string;
}

/** Ids named in a sentence; of more the sentence says how to choose them. */
const IDS_NAMED_MAX = 5;

/** A command that pauses feeds, or resumes them. Each feed is a call: one that fails ends it, and those before stay changed. */
export abstract class PausingCommand extends BaseCommand {
  protected async change(
    argv: readonly unknown[],
    flags: GlobalFlags & { readonly selector?: string[] | undefined; readonly all: boolean },
    words: PausingWords,
  ): Promise<ChangedFeedsView> {
    const feeds = await this.withClient(flags, async (client) => {
      const views = [];
      for (const id of await feedsMeant(client, argv, flags)) {
        const answer = words.isPause ? client.feeds.pause(id) : client.feeds.resume(id);
        views.push(changedFeedView(id, (await answer).changed, false));
      }
      return views;
    });
    const changed = feeds.filter((feed) => feed.changed.length > 0);
    const [first] = feeds;
    const ids = changed.map(({ feedId }) => feedId);
    if (first === undefined) this.say('No feed is so: "podctl feed list" shows all of them.');
    else if (changed.length === 0)
      this.say(
        feeds.length === 1
          ? words.already(first.feedId)
          : `All ${feeds.length} feeds were so already.`,
      );
    else
      this.say(
        words.changed(
          changed.length === 1 ? `feed ${ids[0]}` : countWords(changed.length, 'feed'),
          changed.length === 1 ? 'its' : 'their',
          ids.length > IDS_NAMED_MAX ? 'ID...' : ids.join(' '),
        ),
      );
    return changedFeedsView(feeds);
  }
}
