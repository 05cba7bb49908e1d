import type { FeedId } from '@podctl/domain/ids.ts';
import type { Clock } from '@podctl/platform/clock.ts';
import type { LockRow } from '../core/snapshot.ts';
import type { Logger } from './logger.ts';
import { Loop } from './loop.ts';
import type { Replica } from './replica.ts';
import { type SettleDeps, settle } from './settle.ts';
import { takeBackEach } from './take-back.ts';

export interface RemovedFeedsOptions extends SettleDeps {
  readonly clock: Clock;
  readonly replica: Replica;
  readonly log: Logger;
}

const TICK_MS = 5_000;
const SPACING_MS = 50;

/**
 * Takes back the jobs of feeds that were removed; what is finished already is accepted. Looked for again and again, so
 * that no leader's end and no assignment that was under way leaves one running. Leader only.
 */
export class RemovedFeeds extends Loop {
  readonly #options: RemovedFeedsOptions;

  constructor(options: RemovedFeedsOptions) {
    const { clock, log } = options;
    super('removed feeds', { clock, log, tickMs: TICK_MS, spacingMs: SPACING_MS });
    this.#options = options;
  }

  protected override async turn(signal: AbortSignal): Promise<void> {
    const { replica, log } = this.#options;
    const left = [...replica.snapshot.locks.values()].filter(
      ({ feed, lock }) => lock.state === 'held' && this.#isRemoved(feed),
    );
    const takeOne = async (row: LockRow) => {
      // Added again while others were taken back.
      if (this.#isRemoved(row.feed)) await this.#takeBack(row);
    };
    await takeBackEach(left, takeOne, log, signal);
  }

  #isRemoved(feed: FeedId): boolean {
    return this.#options.replica.snapshot.feeds.get(feed)?.record?.removed === true;
  }

  async #takeBack({ feed, episode, stage, lock }: LockRow): Promise<void> {
    const end = { kind: 'returned', reason: 'its feed was removed', retryAfterMs: null } as const;
    const name = { feed, episode, stage, token: lock.token };
    const outcome = await settle(this.#options, name, () => end);
    this.#options.log.info(
      { ...name, outcome: outcome.kind },
      'a job of a removed feed is settled',
    );
  }
}
