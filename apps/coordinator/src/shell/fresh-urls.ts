import type { FeedItem } from '@podctl/domain/feed/feed-document.ts';
import type { EpisodeId, FeedId } from '@podctl/domain/ids.ts';
import type { Clock } from '@podctl/platform/clock.ts';

export interface FreshUrlsOptions {
  readonly clock: Pick<Clock, 'monotonicMs'>;
  /** Has a feed read whole, as soon as possible. */
  readAgain(feed: FeedId): void;
}

export type FreshUrl =
  | { readonly kind: 'fresh'; readonly url: string }
  /** The feed is being read: ask again. */
  | { readonly kind: 'wait' }
  /** The feed does not list it, or does not answer: the URL that is known may do. */
  | { readonly kind: 'none' };

/** URLs are signed for hours most often, and never for less than the start of a download takes. */
const FRESH_MS = 10 * 60_000;
/** A job that is held waits no longer for its feed. */
const WAIT_MS = 45_000;
/** Of all feeds together; those of the feed that was read last are kept whatever they come to. Tens of megabytes. */
const URLS_MAX = 200_000;

/**
 * What feeds gave lately whose URLs are others at each reading: those are not written, but read from the feed just before
 * they are fetched. States of a feed: not asked for; `asked` (being read); `read` (its URLs are here, for a while).
 */
export class FreshUrls {
  readonly #options: FreshUrlsOptions;
  readonly #asked = new Map<FeedId, number>();
  readonly #read = new Map<
    FeedId,
    { readonly atMs: number; readonly urls: ReadonlyMap<EpisodeId, string> }
  >();
  /** URLs in all of `#read`. */
  #kept = 0;

  constructor(options: FreshUrlsOptions) {
    this.#options = options;
  }

  urlOf(feed: FeedId, episode: EpisodeId): FreshUrl {
    const nowMs = this.#options.clock.monotonicMs();
    const read = this.#read.get(feed);
    if (read !== undefined && nowMs - read.atMs < FRESH_MS) {
      const url = read.urls.get(episode);
      return url === undefined ? { kind: 'none' } : { kind: 'fresh', url };
    }
    const askedMs = this.#asked.get(feed);
    if (askedMs === undefined || nowMs - askedMs > FRESH_MS) {
      this.#asked.set(feed, nowMs);
      this.#options.readAgain(feed);
      return { kind: 'wait' };
    }
    return nowMs - askedMs < WAIT_MS ? { kind: 'wait' } : { kind: 'none' };
  }

  /** Whether somebody waits for what a feed lists, or has it and will ask again. */
  isWanted(feed: FeedId): boolean {
    return this.#asked.has(feed) || this.#read.has(feed);
  }

  /** What a feed was just found to list. */
  note(feed: FeedId, listed: ReadonlyMap<EpisodeId, FeedItem>): void {
    this.#asked.delete(feed);
    this.#forget(feed);
    const urls = new Map<EpisodeId, string>();
    for (const [episode, { enclosureUrl }] of listed) urls.set(episode, enclosureUrl);
    this.#read.set(feed, { atMs: this.#options.clock.monotonicMs(), urls });
    this.#kept += urls.size;
    // Those that were read longest ago go.
    for (const other of this.#read.keys()) {
      if (other === feed || (this.#kept <= URLS_MAX && !this.#isOver(other))) break;
      this.#forget(other);
    }
  }

  #isOver(feed: FeedId): boolean {
    const read = this.#read.get(feed);
    return read === undefined || this.#options.clock.monotonicMs() - read.atMs >= FRESH_MS;
  }

  #forget(feed: FeedId): void {
    this.#kept -= this.#read.get(feed)?.urls.size ?? 0;
    this.#read.delete(feed);
  }
}
