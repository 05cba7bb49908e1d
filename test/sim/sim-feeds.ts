import type { FeedItem } from '@podctl/domain/feed/feed-document.ts';
import { err, ok } from '@podctl/domain/result.ts';
import type { FeedSource } from '../../apps/coordinator/src/shell/feed-source.ts';
import type { Prng } from './prng.ts';
import type { SimProcess } from './process.ts';
import type { VirtualTime } from './virtual-time.ts';
import type { World, WorldEpisode, WorldFeed } from './world.ts';

const FETCH_MS_MAX = 400;

/** The hosts of the feeds as one coordinator meets them: they fail, they grow, and now and then they list less than before. */
export class SimFeeds implements FeedSource {
  readonly name = 'feeds';
  readonly #world: World;
  readonly #time: VirtualTime;
  readonly #random: Prng;
  readonly #process: SimProcess;

  constructor(world: World, time: VirtualTime, random: Prng, process: SimProcess) {
    this.#world = world;
    this.#time = time;
    this.#random = random;
    this.#process = process;
  }

  async start(): Promise<void> {}

  async stop(): Promise<void> {}

  async fetch({ url }: { readonly url: string }, signal: AbortSignal) {
    await this.#process.clock.sleep(this.#random.between(5, FETCH_MS_MAX), signal);
    const feed = this.#world.feeds.find((one) => one.url === url);
    const isQuiet = this.#time.nowMs >= this.#world.faultsEndMs;
    if (feed === undefined || (!isQuiet && this.#random.chance(feed.failing)))
      return { kind: 'failed', reason: 'the host does not answer', fault: 'network' } as const;
    return {
      kind: 'response',
      status: 200,
      contentType: 'application/rss+xml',
      retryAfter: null,
      etag: null,
      lastModified: null,
      finalUrl: url,
      movedTo: null,
      body: new TextEncoder().encode(JSON.stringify(this.#listed(feed, isQuiet))),
      wireBytes: 1,
    } as const;
  }

  async parse({ bytes, feedUrl }: { readonly bytes: Uint8Array; readonly feedUrl: string }) {
    const keys: unknown = JSON.parse(new TextDecoder().decode(bytes));
    const feed = this.#world.feeds.find((one) => one.url === feedUrl);
    if (!Array.isArray(keys) || feed === undefined)
      return { ...err('it is not a feed'), fault: 'document' } as const;
    const items = feed.episodes.filter(({ key }) => keys.includes(key)).map(itemOf);
    return ok({
      title: `The ${feed.feed} show`,
      items,
      itemsSeen: items.length,
      problems: [],
      nextPageUrl: null,
      selfUrl: null,
      newFeedUrl: null,
    });
  }

  #listed(feed: WorldFeed, isQuiet: boolean): string[] {
    const published = feed.episodes.filter(({ listedFromMs }) => listedFromMs <= this.#time.nowMs);
    const isCut = !isQuiet && this.#random.chance(0.2);
    return (isCut ? published.slice(0, 1) : published).map(({ key }) => key);
  }
}

function itemOf({ key, title, url }: WorldEpisode): FeedItem {
  return {
    key,
    guid: key,
    title,
    publishedMs: 0,
    enclosureUrl: url,
    enclosureType: 'audio/mpeg',
    lengthBytes: null,
    durationSecondsEstimate: null,
    season: null,
    episodeNumber: null,
    episodeType: 'full',
  };
}
