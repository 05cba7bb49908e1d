import type { PollPolicy } from '@podctl/domain/feed/poll.ts';
import { isGone } from '@podctl/domain/feed/polling.ts';
import type { FeedId } from '@podctl/domain/ids.ts';
import { backoffMs } from '@podctl/domain/retry.ts';
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
  readonly policy: PollPolicy;
  readonly log: Logger;
  random(): number;
}

const TICK_MS = 5_000;
const SPACING_MS = 50;
/** A feed is read again for downloads that failed so often at most: all of its episodes may fail at once. */
const AGAIN_MS = 10 * 60_000;

/** Polls in a row whose end could not be written, and when the feed may be asked again for all that. */
interface Broken {
  readonly times: number;
  readonly untilMs: number;
}

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
  /** Who waits for a place of a host, beside the polls. */
  readonly #waiting = new Set<() => void>();
  /** Their records say that they are due, and would say so for ever. */
  readonly #broken = new Map<FeedId, Broken>();

  constructor(options: PollRoundsOptions) {
    const { clock, log } = options;
    super('poller', { clock, tickMs: TICK_MS, spacingMs: SPACING_MS, log });
    this.#options = options;
  }

  /**
   * Never rejects. `fetched` is to be called once, as soon as the host is not needed any more. Gives whether all is said of it: false
   * when what came of it could not be written, so that its record knows nothing of the poll.
   */
  protected abstract poll(
    due: DueFeed,
    whole: boolean,
    fetched: () => void,
    signal: AbortSignal,
  ): Promise<boolean>;

  override async stop(): Promise<void> {
    await super.stop();
    await Promise.all(this.#running);
  }

  /**
   * Reads a feed as soon as possible, and all of it: an address that it gave does not work any more. Not where it was so read
   * within `everyMs`.
   */
  readAgain(feed: FeedId, everyMs = AGAIN_MS): void {
    const last = this.#again.get(feed);
    const nowMs = this.#options.clock.monotonicMs();
    if (last === 'asked' || (last !== undefined && nowMs - last < everyMs)) return;
    this.#again.set(feed, 'asked');
    this.kick();
  }

  /**
   * Asks the host of a URL for something else than a poll, as one of those that may at the same time. Null when it has no place
   * until the signal.
   */
  async beside<T>(url: string, signal: AbortSignal, ask: () => Promise<T>): Promise<T | null> {
    const host = hostOf(url);
    while (!this.#queue.enter(host, this.#options.clock.wallMs())) {
      if (signal.aborted) return null;
      await this.#placeLeft(signal);
    }
    try {
      return await ask();
    } finally {
      this.#left(host);
      this.kick();
    }
  }

  /** One may have been left, or the signal came. */
  async #placeLeft(signal: AbortSignal): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#waiting.add(resolve);
    signal.addEventListener('abort', () => resolve(), { once: true });
    await promise;
    this.#waiting.delete(resolve);
  }

  #left(host: string): void {
    this.#queue.fetched({ host });
    for (const resolve of this.#waiting) resolve();
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
      if (!isFetched) this.#left(due.host);
      isFetched = true;
      this.#fill(signal);
    };
    const whole = this.#again.get(due.feed) === 'asked';
    if (whole) this.#again.set(due.feed, this.#options.clock.monotonicMs());
    try {
      const isSaid = await this.poll(due, whole, fetched, signal);
      if (isSaid) this.#broken.delete(due.feed);
      else this.#rest(due.feed);
    } finally {
      this.#spread?.delete(due.feed);
      if (this.#queue.ended(due)) this.kick();
      fetched();
    }
  }

  /** Longer each time: the host has done its part, and is not to be asked every few seconds for what is our own trouble. */
  #rest(feed: FeedId): void {
    const { clock, policy, random } = this.#options;
    const times = (this.#broken.get(feed)?.times ?? 0) + 1;
    const untilMs = clock.monotonicMs() + backoffMs(times, policy, random());
    this.#broken.set(feed, { times, untilMs });
  }

  #isResting(feed: FeedId): boolean {
    return (this.#broken.get(feed)?.untilMs ?? 0) > this.#options.clock.monotonicMs();
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
    // A host that failed, or asked for patience, is not asked sooner for that: it is read whole when its time comes.
    const isAgain = this.#again.get(id) === 'asked' && polling?.came !== 'failed';
    const isAsked = nextPollMs === 0 || isAgain;
    const dueMs = isAsked ? 0 : (this.#spread?.get(id) ?? nextPollMs);
    if (dueMs > nowMs || (isGone(polling) && nextPollMs !== 0) || this.#isResting(id)) return null;
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
