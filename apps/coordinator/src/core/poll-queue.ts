import type { FeedId } from '@podctl/domain/ids.ts';

export interface PollQueueLimits {
  /** Polls at the same time. */
  readonly atOnceMax: number;
  /** Fetches at the same time from one host. */
  readonly perHostMax: number;
  /** Of `atOnceMax`, for feeds whose last poll failed: hosts that do not answer leave room for those that do. */
  readonly failingMax: number;
}

export const POLL_QUEUE_LIMITS: PollQueueLimits = { atOnceMax: 48, perHostMax: 4, failingMax: 16 };

/** A feed whose time has come. */
export interface DueFeed {
  readonly feed: FeedId;
  /** Name and port of its URL. Where redirects lead is not counted. */
  readonly host: string;
  readonly isFailing: boolean;
  /** Somebody waits for it. */
  readonly isUrgent: boolean;
  readonly dueMs: number;
}

/** What a host is asked for is spread by this; one that asks for longer is believed up to the longest. */
const COOL_MS_MIN = 60_000;
const COOL_MS_MAX = 3_600_000;

/**
 * Which due feed is polled next. A feed is nowhere, waiting (told by `offer`), fetching (given by `next`: it takes a
 * place of its host and of all), or folding (after `fetched`: the host's place is free), until `ended`.
 * Never true: a feed in two of them; more fetches from one host than `perHostMax`.
 * Memory is bounded by the number of feeds; hosts without a feed here and without a cool-down are forgotten.
 */
export class PollQueue {
  readonly #limits: PollQueueLimits;
  /** Those that wait, by host; hosts in the order in which they are served. */
  #waiting = new Map<string, DueFeed[]>();
  readonly #polling = new Map<FeedId, DueFeed>();
  /** Of those that are polled, the ones that were told as due since. */
  readonly #missed = new Set<FeedId>();
  readonly #fetching = new Map<string, number>();
  readonly #coolUntilMs = new Map<string, number>();
  #failing = 0;

  constructor(limits: PollQueueLimits = POLL_QUEUE_LIMITS) {
    this.#limits = limits;
  }

  /** All that is due now, in place of what was told before; what is being polled is passed over. */
  offer(due: readonly DueFeed[], nowMs: number): void {
    for (const [host, untilMs] of this.#coolUntilMs)
      if (untilMs <= nowMs) this.#coolUntilMs.delete(host);
    for (const { feed } of due) if (this.#polling.has(feed)) this.#missed.add(feed);
    const sorted = due
      .filter(({ feed }) => !this.#polling.has(feed))
      .sort((a, b) => Number(b.isUrgent) - Number(a.isUrgent) || a.dueMs - b.dueMs);
    this.#waiting = Map.groupBy(sorted, ({ host }) => host);
  }

  /** The next one to fetch, or null: nothing waits, or nothing of it may begin now. Hosts take turns. */
  next(nowMs: number): DueFeed | null {
    if (this.#polling.size >= this.#limits.atOnceMax) return null;
    for (const [host, feeds] of this.#waiting) {
      const at = this.#mayAsk(host, nowMs) ? feeds.findIndex((one) => this.#mayBegin(one)) : -1;
      const [found] = at < 0 ? [] : feeds.splice(at, 1);
      if (found === undefined) continue;
      // Behind all others, so that a host of a thousand feeds does not go before a host of one.
      this.#waiting.delete(host);
      if (feeds.length > 0) this.#waiting.set(host, feeds);
      this.#begin(found);
      return found;
    }
    return null;
  }

  /** A place of the host for a fetch that is no poll, such as one for a title: it counts until `fetched`. False: not now. */
  enter(host: string, nowMs: number): boolean {
    if (!this.#mayAsk(host, nowMs)) return false;
    this.#fetching.set(host, (this.#fetching.get(host) ?? 0) + 1);
    return true;
  }

  /** The host has answered, or has not: the rest of the poll is our own work. */
  fetched({ host }: Pick<DueFeed, 'host'>): void {
    const left = (this.#fetching.get(host) ?? 1) - 1;
    if (left > 0) this.#fetching.set(host, left);
    else this.#fetching.delete(host);
  }

  /** True when it was told as due meanwhile, so that it may be due again: another look is worth it. */
  ended({ feed, isFailing }: DueFeed): boolean {
    if (this.#polling.delete(feed) && isFailing) this.#failing -= 1;
    return this.#missed.delete(feed);
  }

  /** The host said that it is asked too often, or is overloaded: none of its feeds is fetched for a while. */
  cool(host: string, retryAfterMs: number | null, nowMs: number): void {
    const waitMs = Math.min(COOL_MS_MAX, Math.max(COOL_MS_MIN, retryAfterMs ?? 0));
    this.#coolUntilMs.set(host, Math.max(this.#coolUntilMs.get(host) ?? 0, nowMs + waitMs));
  }

  counts(): { readonly polling: number; readonly waiting: number; readonly cooling: number } {
    const waiting = [...this.#waiting.values()].reduce((sum, feeds) => sum + feeds.length, 0);
    return { polling: this.#polling.size, waiting, cooling: this.#coolUntilMs.size };
  }

  #mayAsk(host: string, nowMs: number): boolean {
    if ((this.#coolUntilMs.get(host) ?? 0) > nowMs) return false;
    return (this.#fetching.get(host) ?? 0) < this.#limits.perHostMax;
  }

  #mayBegin({ isFailing, isUrgent }: DueFeed): boolean {
    return !isFailing || isUrgent || this.#failing < this.#limits.failingMax;
  }

  #begin(due: DueFeed): void {
    this.#polling.set(due.feed, due);
    this.#fetching.set(due.host, (this.#fetching.get(due.host) ?? 0) + 1);
    if (due.isFailing) this.#failing += 1;
  }
}

const SPREAD_MS_EACH = 6;
const SPREAD_MS_MAX = 60_000;

/**
 * How long after the beginning of a reign a feed is due that came due before it. A coordinator that was away for a day
 * finds all of them due: they are spread, 6 ms for each and a minute at most. `random` is in [0, 1).
 */
export function spreadMs(overdue: number, random: number): number {
  return Math.round(Math.min(SPREAD_MS_MAX, overdue * SPREAD_MS_EACH) * random);
}
