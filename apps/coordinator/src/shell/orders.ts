import type { FeedChange } from '@podctl/domain/feed-change.ts';
import type { FeedId } from '@podctl/domain/ids.ts';
import {
  type AddedFeed,
  type ChangedFeed,
  type EpisodeToSkip,
  type FeedToAdd,
  inMessages,
  type JobName,
  type Order,
  type OrderDone,
  RUNS_A_MESSAGE_MAX,
} from '@podctl/domain/order.ts';
import type { Stage } from '@podctl/domain/stage.ts';

/** Gives an order to whoever leads. */
export type GiveOrder = (order: Order) => Promise<OrderDone>;

/** What people ask to be changed at feeds and episodes, as orders. Rejects with OrderFailed; the same may be asked again. */
export class Orders {
  readonly #give: GiveOrder;

  constructor(give: GiveOrder) {
    this.#give = give;
  }

  /** What adding them would do; nothing is written. */
  async tryFeeds(feeds: readonly FeedToAdd[]): Promise<readonly AddedFeed[]> {
    const added: AddedFeed[] = [];
    for (const some of inMessages(feeds)) {
      const done = await this.#give({ kind: 'add_feeds', feeds: some, dryRun: true });
      if (done.kind === 'add_feeds') added.push(...done.added);
    }
    return added;
  }

  /** Has what is dead or waits for its next attempt tried now; gives how many are. */
  async retryJobs(request: string, jobs: readonly JobName[]): Promise<number> {
    let retried = 0;
    for (let i = 0; i < jobs.length; i += RUNS_A_MESSAGE_MAX) {
      const some = jobs.slice(i, i + RUNS_A_MESSAGE_MAX);
      const done = await this.#give({ kind: 'retry_jobs', request, jobs: some });
      if (done.kind === 'retry_jobs') retried += done.retried;
    }
    return retried;
  }

  /** Gives up what is left of an episode; gives the stages that are given up by this. */
  async skipEpisode(episode: EpisodeToSkip): Promise<readonly Stage[]> {
    const done = await this.#give({ kind: 'skip_episode', episode });
    return done.kind === 'skip_episode' ? done.skipped : [];
  }

  /** With `dryRun` nothing is written: the answer says what would be. */
  async changeFeed(feed: FeedId, change: FeedChange, dryRun = false): Promise<ChangedFeed> {
    const done = await this.#give({ kind: 'change_feed', feed, change, dryRun });
    return done.kind === 'change_feed' ? done.changed : { kind: 'unknown' };
  }
}
