import { isPurging } from '@podctl/domain/feed-purge.ts';
import type { FeedId } from '@podctl/domain/ids.ts';
import type { Clock } from '@podctl/platform/clock.ts';
import type { Library } from '@podctl/platform/library.ts';
import type { FeedRow } from '../core/snapshot.ts';
import { FeedPurger } from './feed-purger.ts';
import type { Logger } from './logger.ts';
import { Loop } from './loop.ts';
import type { Replica } from './replica.ts';
import type { Store } from './store.ts';

export interface FeedPurgesOptions {
  readonly clock: Clock;
  readonly store: Store;
  readonly replica: Replica;
  readonly library: Library;
  readonly log: Logger;
}

/** What cannot go now, a job that is being settled or a file on a bad sector, is looked at again so often. */
const TICK_MS = 10_000;
const SPACING_MS = 1_000;
/** What cannot go for long, as what a newer version wrote, is looked at ever less: each look lists all readable names. */
const REST_MS_MAX = 600_000;

/**
 * Purges the feeds whose records say so: marks in each episode's key first, then what they name. It is done by a turn that
 * found nothing more. A crash in between is taken up from the records by the next turn, of whichever leader. Leader only.
 */
export class FeedPurges extends Loop {
  readonly #options: FeedPurgesOptions;
  /** What could not go at the last turn, so that the same is said once. */
  readonly #left = new Map<FeedId, number>();
  /** Of those of which a turn could take nothing: when they are looked at again. */
  readonly #resting = new Map<FeedId, { readonly waitMs: number; readonly untilMs: number }>();

  constructor(options: FeedPurgesOptions) {
    const { clock, log } = options;
    super('feed purges', { clock, log, tickMs: TICK_MS, spacingMs: SPACING_MS });
    this.#options = options;
  }

  protected override async turn(signal: AbortSignal): Promise<void> {
    const { replica, store, library } = this.#options;
    const wanted = [...replica.snapshot.feeds.values()].filter(({ record }) =>
      isPurging(record, store.cluster()),
    );
    if (wanted.length === 0 || (await library.check()).kind === 'offline') return;
    const nowMs = this.#options.clock.monotonicMs();
    for (const row of wanted) {
      if (signal.aborted) return;
      if ((this.#resting.get(row.id)?.untilMs ?? 0) <= nowMs) await this.#purge(row, signal);
    }
  }

  #rest(feed: FeedId): void {
    const waitMs = Math.min(REST_MS_MAX, 2 * (this.#resting.get(feed)?.waitMs ?? TICK_MS / 4));
    const untilMs = this.#options.clock.monotonicMs() + waitMs;
    this.#resting.set(feed, { waitMs, untilMs });
  }

  async #purge(row: FeedRow, signal: AbortSignal): Promise<void> {
    const { log } = this.#options;
    const feed = row.id;
    const purged = await new FeedPurger(this.#options, row, signal).run();
    if (signal.aborted || !this.#options.store.mayWrite()) return;
    const left = purged.left.length;
    const isNews = left !== (this.#left.get(feed) ?? 0);
    this.#left.set(feed, left);
    if (left > 0 && isNews)
      log.warn({ feed, left, first: purged.left[0] }, 'a feed cannot be purged to its end yet');
    if (left > 0 && purged.removed === 0) this.#rest(feed);
    else this.#resting.delete(feed);
    if (left > 0) return;
    // Whoever had begun to make a name, or to write a file, when the marks came may have ended after it was listed.
    if (purged.removed > 0) {
      const { removed, bytes } = purged;
      log.info({ feed, removed, bytes }, 'files of a feed that is purged are removed');
      this.kick();
    } else if (await this.#end(feed)) log.info({ feed }, 'a feed is purged');
  }

  /** False when somebody wrote first: the next turn looks again. */
  async #end(feed: FeedId): Promise<boolean> {
    const { store } = this.#options;
    const { record, revision } = await store.readFeed(feed);
    if (record?.purge === undefined || !isPurging(record, store.cluster())) return false;
    const purge = { ...record.purge, state: 'done' } as const;
    const written = await store.casFeed({ ...record, nonce: store.newNonce(), purge }, revision);
    return written.kind === 'written';
  }
}
