import type { CordonWish } from '@podctl/domain/cordon.ts';
import type { FeedChange } from '@podctl/domain/feed-change.ts';
import type { AgentId, FeedId } from '@podctl/domain/ids.ts';
import {
  type AddedFeed,
  type ChangedFeed,
  type EpisodeToSkip,
  type FeedToAdd,
  inMessages,
  type JobName,
  type LockToRelease,
  type Order,
  type OrderDone,
  type ReleasedLock,
  RUNS_A_MESSAGE_MAX,
  type RunToRepeat,
  type SetCordon,
} from '@podctl/domain/order.ts';
import type { Stage } from '@podctl/domain/stage.ts';

/** Gives an order to whoever leads. */
export type GiveOrder = (order: Order) => Promise<OrderDone>;

/** What people ask to be changed, as orders. Rejects with OrderFailed; the same may be asked again. */
export class Orders {
  readonly #give: GiveOrder;

  constructor(give: GiveOrder) {
    this.#give = give;
  }

  async addFeeds(feeds: readonly FeedToAdd[]): Promise<readonly AddedFeed[]> {
    return await this.#feeds(feeds, false);
  }

  /** What adding them would do; nothing is written. */
  async tryFeeds(feeds: readonly FeedToAdd[]): Promise<readonly AddedFeed[]> {
    return await this.#feeds(feeds, true);
  }

  async releaseLock(lock: LockToRelease): Promise<ReleasedLock> {
    const done = await this.#give({ kind: 'release_lock', lock });
    return done.kind === 'release_lock' ? done.released : { kind: 'not_held' };
  }

  /** Takes the lock of a job away, which is not done again before somebody asks. `by`: who asks; may be empty. */
  async cancelJob(job: LockToRelease, by: string): Promise<ReleasedLock> {
    const done = await this.#give({ kind: 'cancel_job', job, by });
    return done.kind === 'cancel_job' ? done.canceled : { kind: 'not_held' };
  }

  async setCordon(agent: AgentId, wish: CordonWish): Promise<SetCordon> {
    const done = await this.#give({ kind: 'set_cordon', agent, wish });
    return done.kind === 'set_cordon' ? done.set : { cordon: null, changed: false };
  }

  /** Has done runs done once more, with `model` in the place of their feed's; gives how many were not asked for before. */
  async repeatRuns(request: string, runs: readonly RunToRepeat[], model?: string): Promise<number> {
    let requested = 0;
    for (let i = 0; i < runs.length; i += RUNS_A_MESSAGE_MAX) {
      const some = runs.slice(i, i + RUNS_A_MESSAGE_MAX);
      const done = await this.#give({ kind: 'repeat_runs', request, runs: some, model });
      if (done.kind === 'repeat_runs') requested += done.requested;
    }
    return requested;
  }

  /** Has what is dead or waits for its next attempt tried now, with `model` as above; gives how many are. */
  async retryJobs(request: string, jobs: readonly JobName[], model?: string): Promise<number> {
    let retried = 0;
    for (let i = 0; i < jobs.length; i += RUNS_A_MESSAGE_MAX) {
      const some = jobs.slice(i, i + RUNS_A_MESSAGE_MAX);
      const done = await this.#give({ kind: 'retry_jobs', request, jobs: some, model });
      if (done.kind === 'retry_jobs') retried += done.retried;
    }
    return retried;
  }

  /** Has files that lie complete in staging accepted; gives why they are not, else null. */
  async adoptResult(result: LockToRelease): Promise<string | null> {
    const done = await this.#give({ kind: 'adopt_result', result });
    return done.kind === 'adopt_result' ? done.refusal : 'it was not answered';
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

  async #feeds(feeds: readonly FeedToAdd[], dryRun: boolean): Promise<readonly AddedFeed[]> {
    const added: AddedFeed[] = [];
    for (const some of inMessages(feeds)) {
      const done = await this.#give({ kind: 'add_feeds', feeds: some, dryRun });
      if (done.kind === 'add_feeds') added.push(...done.added);
    }
    return added;
  }
}
