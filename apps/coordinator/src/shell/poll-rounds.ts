import { isGone } from '@podctl/domain/feed/polling.ts';
import type { FeedId } from '@podctl/domain/ids.ts';
import type { Clock } from '@podctl/platform/clock.ts';
import { hostOf } from '../core/feed-address.ts';
import { type DueFeed, PollQueue, spreadMs } from '../core/poll-queue.ts';
import type { FeedRow } from '../core/snapshot.ts';
import type { Logger } from './logger.ts';
import { Loop } from './loop.ts';
import type { Replica } from './replica.ts';

export interface PollRoundsOptions {
  readonly clock: Clock;
  readonly replica: Replica;
  readonly log: Logger;
  random(): number;
}

const TICK_MS = 5_000;
const SPACING_MS = 50;
/** A feed is read again for downloads that failed so often at most: all of its episodes may fail at once. */
const AGAIN_MS = 10 * 60_000;

/**
 * Which feed is polled when: a round looks at all feeds and tells the queue which are due; each poll that ends begins the
 * next one, so that a slow host holds up nothing but its own place. Polls that run are waited for at the stop.
 */
export abstract class PollRounds extends Loop {
  readonly #options: PollRoundsOptions;
  readonly #queue = new PollQueue();
  readonly #running = new Set<Promise<void>>();
  /** Feeds that were due when this reign began, and when each of them is. */
  #spread: Map<FeedId, number> | null = null;
  /** Feeds to be read whole, and when they last were so. */
  readonly #again = new Map<FeedId, 'asked' | number>();

  constructor(options: PollRoundsOptions) {
    const { clock, log } = options;
    super('poller', { clock, tickMs: TICK_MS, spacingMs: SPACING_MS, log });
    this.#options = options;
  }

  /** Never rejects. `fetched` is to be called once, as soon as the host is not needed any more. */
  protected abstract poll(
    due: DueFeed,
    whole: boolean,
    fetched: () => void,
    signal: AbortSignal,
  ): Promise<void>;

  override async stop(): Promise<void> {
    await super.stop();
    await Promise.all(this.#running);
  }

  /** Reads a feed as soon as possible, and all of it: an address that it gave does not work any more. */
  readAgain(feed: FeedId): void {
    const last = this.#again.get(feed);
    const nowMs = this.#options.clock.monotonicMs();
    if (last === 'asked' || (last !== undefined && nowMs - last < AGAIN_MS)) return;
    this.#again.set(feed, 'asked');
    this.kick();
  }

  protected cool(host: string, retryAfterMs: number | null): void {
    this.#queue.cool(host, retryAfterMs, this.#options.clock.wallMs());
  }

  protected override async turn(signal: AbortSignal): Promise<void> {
    const nowMs = this.#options.clock.wallMs();
    this.#spread ??= this.#spreadFrom(nowMs);
    this.#queue.offer(this.#due(nowMs), nowMs);
    this.#fill(signal);
  }

  #fill(signal: AbortSignal): void {
    while (!signal.aborted) {
      const due = this.#queue.next(this.#options.clock.wallMs());
      if (due === null) return;
      const running = this.#run(due, signal);
      this.#running.add(running);
      void running.finally(() => this.#running.delete(running));
    }
  }

  async #run(due: DueFeed, signal: AbortSignal): Promise<void> {
    let isFetched = false;
    const fetched = () => {
      if (!isFetched) this.#queue.fetched(due);
      isFetched = true;
      this.#fill(signal);
    };
    const whole = this.#again.get(due.feed) === 'asked';
    if (whole) this.#again.set(due.feed, this.#options.clock.monotonicMs());
    try {
      await this.poll(due, whole, fetched, signal);
    } finally {
      this.#spread?.delete(due.feed);
      if (this.#queue.ended(due)) this.kick();
      fetched();
    }
  }

  #due(nowMs: number): DueFeed[] {
    const due: DueFeed[] = [];
    for (const row of this.#options.replica.snapshot.feeds.values()) {
      const one = this.#dueAt(row, nowMs);
      if (one !== null) due.push(one);
    }
    return due;
  }

  /** Null for what is not due. */
  #dueAt({ id, record }: FeedRow, nowMs: number): DueFeed | null {
    if (record === null || record.removed === true) return null;
    const { nextPollMs, polling, failures } = record;
    const isAsked = nextPollMs === 0 || this.#again.get(id) === 'asked';
    const dueMs = isAsked ? 0 : (this.#spread?.get(id) ?? nextPollMs);
    if (dueMs > nowMs || (isGone(polling) && nextPollMs !== 0)) return null;
    return {
      feed: id,
      host: hostOf(record.url),
      isFailing: failures > 0,
      // What is new waits in line: ten thousand may be added at once.
      isUrgent: isAsked && (record.lastSuccessMs !== null || failures > 0),
      dueMs,
    };
  }

  #spreadFrom(nowMs: number): Map<FeedId, number> {
    const overdue = [...this.#options.replica.snapshot.feeds.values()].filter(
      ({ record }) => record !== null && record.nextPollMs !== 0 && record.nextPollMs < nowMs,
    );
    const thenMs = () => nowMs + spreadMs(overdue.length, this.#options.random());
    return new Map(overdue.map(({ id }) => [id, thenMs()]));
  }
}
