import { shownPath } from '@podctl/domain/feed/secret-path.ts';
import { normalizeFeedUrl, withoutSecrets } from '@podctl/domain/feed/url.ts';
import { isPurging } from '@podctl/domain/feed-purge.ts';
import { choicesOf, type FeedRecord, formerUrlsOf } from '@podctl/domain/feed-record.ts';
import { type FeedId, feedId, slug } from '@podctl/domain/ids.ts';
import type { AddedFeed, FeedToAdd } from '@podctl/domain/order.ts';
import type { Clock } from '@podctl/platform/clock.ts';
import { OrderFailed } from './order-failed.ts';
import type { Replica } from './replica.ts';
import type { Store } from './store.ts';

export interface FeedRegistryOptions {
  readonly clock: Clock;
  readonly store: Store;
  readonly replica: Replica;
  /** What the feed calls itself; null when that cannot be known now. */
  titleOf(url: string): Promise<string | null>;
}

/** Where a feed is to be written: the id, and what its key holds. */
interface Place {
  readonly record: FeedRecord | null;
  readonly revision: number;
  readonly feed: FeedToAdd;
  readonly id: FeedId;
  readonly url: string;
}

const IDS_TRIED_MAX = 100;
/** Feeds of one call that are asked for their titles; of a long list without titles the rest is named by URL. */
const TITLES_ASKED_MAX = 50;

/** Adds feeds: one URL is one feed, however often it is added. Leader only. */
export class FeedRegistry {
  readonly #options: FeedRegistryOptions;

  constructor(options: FeedRegistryOptions) {
    this.#options = options;
  }

  /** With `dryRun` nothing is written: the answer says what would be. */
  async add(feeds: readonly FeedToAdd[], dryRun = false): Promise<AddedFeed[]> {
    const byUrl = this.#urls();
    const taken = new Set<FeedId>();
    const titles = await this.#titles(feeds, byUrl);
    const added: AddedFeed[] = [];
    for (const feed of feeds) {
      const title = feed.title ?? titles.get(feed.url) ?? null;
      const one = await this.#addOne({ ...feed, title }, byUrl, dryRun ? taken : null);
      if (one.kind !== 'refused') taken.add(one.feed);
      if (one.kind !== 'refused') byUrl.set(normalized(feed.url), one.feed);
      added.push(one);
    }
    return added;
  }

  /** The id stays for good: of a feed that comes without a title it is worth a look at the feed itself. */
  async #titles(
    feeds: readonly FeedToAdd[],
    byUrl: ReadonlyMap<string, FeedId>,
  ): Promise<ReadonlyMap<string, string | null>> {
    const unnamed = feeds.filter(
      ({ id, title, url }) => id === null && title === null && !byUrl.has(normalized(url)),
    );
    const asked = unnamed.slice(0, TITLES_ASKED_MAX).map(async ({ url }) => {
      const found = normalizeFeedUrl(url);
      return [url, found.ok ? await this.#options.titleOf(found.value) : null] as const;
    });
    return new Map(await Promise.all(asked));
  }

  /** `planned`: the ids of a dry run so far, which writes nothing; null where it is meant. */
  async #addOne(
    feed: FeedToAdd,
    byUrl: ReadonlyMap<string, FeedId>,
    planned: ReadonlySet<FeedId> | null,
  ): Promise<AddedFeed> {
    const url = normalizeFeedUrl(feed.url);
    if (!url.ok) return { kind: 'refused', url: withoutSecrets(feed.url), problem: url.error };
    const known = byUrl.get(url.value);
    if (known !== undefined) {
      const { record = null, revision = 0 } = this.#options.replica.snapshot.feeds.get(known) ?? {};
      if (record?.removed === true) return this.#write(feed, url.value, known, planned);
      return { kind: 'known', feed: known, url: withoutSecrets(url.value), revision };
    }
    const wanted = feed.id === null ? null : feedId(feed.id);
    if (wanted !== null && !wanted.ok)
      return { kind: 'refused', url: withoutSecrets(url.value), problem: wanted.error };
    return this.#write(feed, url.value, wanted?.value ?? null, planned);
  }

  async #write(
    feed: FeedToAdd,
    url: string,
    wanted: FeedId | null,
    planned: ReadonlySet<FeedId> | null,
  ): Promise<AddedFeed> {
    for (let tries = 1, n = 1; tries <= IDS_TRIED_MAX; tries += 1) {
      const id = wanted ?? derivedId(feed, url, n);
      const { record, revision } = await this.#options.store.readFeed(id);
      // Somebody added the same at the same time.
      if (wanted === null && isUrlOf(record, url)) return knownFeed(id, url, revision);
      // A derived id that is taken belongs to another feed; a given one takes the URL over.
      if (wanted === null && isTaken(id, record, planned)) {
        n += 1;
        continue;
      }
      const added = await this.#writeAt({ record, revision, feed, id, url }, planned !== null);
      if (added !== null) return added;
    }
    const problem = 'no free id was found for it; give it one';
    return { kind: 'refused', url: withoutSecrets(url), problem };
  }

  /** Null when somebody else wrote first. */
  async #writeAt(
    { record, revision, feed, id, url }: Place,
    isDryRun: boolean,
  ): Promise<AddedFeed | null> {
    if (isPurging(record, this.#options.store.cluster())) return beingPurged(id, url);
    const kind = as(kindOf(record), record);
    if (isDryRun) return { ...kind, feed: id, url: withoutSecrets(url), revision };
    return this.#put(this.#record(record, feed, id, url), revision, kind);
  }

  /** Null when somebody else wrote first. */
  async #put(
    record: FeedRecord,
    revision: number,
    kind: ReturnType<typeof as>,
  ): Promise<AddedFeed | null> {
    const url = withoutSecrets(record.url);
    const written = await this.#options.store.casFeed(record, revision);
    switch (written.kind) {
      case 'written':
        return { ...kind, feed: record.feed, url, revision: written.revision };
      case 'conflict':
        return null;
      case 'unknown':
        // Nobody can tell whether it landed: asked again, it is known or added.
        throw new OrderFailed(`the feed ${url} could not be written: ${written.cause.message}`);
    }
  }

  #record(known: FeedRecord | null, feed: FeedToAdd, id: FeedId, url: string): FeedRecord {
    if (known === null) return this.#fresh(feed, id, url);
    const nonce = this.#options.store.newNonce();
    const formerUrls = formerUrlsOf(known, url);
    const unread = { etag: null, lastModified: null, polling: undefined };
    const fresh = { nextPollMs: 0, failures: 0, ...unread };
    const moved = { ...known, nonce, url, formerUrls, ...fresh };
    return known.removed === true ? restored(moved, feed) : moved;
  }

  #fresh(feed: FeedToAdd, id: FeedId, url: string): FeedRecord {
    return {
      cluster: this.#options.store.cluster(),
      nonce: this.#options.store.newNonce(),
      feed: id,
      url,
      formerUrls: [],
      title: feed.title,
      addedMs: this.#options.clock.wallMs(),
      bookScore: feed.bookScore,
      generation: 0,
      etag: null,
      lastModified: null,
      lastSuccessMs: null,
      failures: 0,
      nextPollMs: 0,
      problem: null,
      listed: 0,
      choices: chosen(null, feed),
    };
  }

  #urls(): Map<string, FeedId> {
    const urls = new Map<string, FeedId>();
    for (const { id, record } of this.#options.replica.snapshot.feeds.values())
      for (const url of record === null ? [] : [...record.formerUrls, record.url])
        urls.set(normalized(url), id);
    return urls;
  }
}

function isTaken(id: FeedId, record: FeedRecord | null, planned: ReadonlySet<FeedId> | null) {
  return record !== null || planned?.has(id) === true;
}

function kindOf(known: FeedRecord | null) {
  if (known === null) return 'added';
  return known.removed === true ? 'restored' : 'moved';
}

/** What was purged comes back with nothing that was done. */
function as(kind: ReturnType<typeof kindOf>, known: FeedRecord | null) {
  return kind === 'restored' && known?.purge !== undefined
    ? ({ kind, purged: true } as const)
    : ({ kind } as const);
}

function beingPurged(feed: FeedId, url: string): AddedFeed {
  const problem = `feed ${feed} is being purged, and its files are not all gone yet: "podctl events --feed ${feed} -f" tells when they are (feed-purged); add it again then`;
  return { kind: 'refused', url: withoutSecrets(url), problem };
}

/** As it was, but for what is chosen anew; it does not come back paused, unless that is asked for. */
function restored(known: FeedRecord, feed: FeedToAdd): FeedRecord {
  const { bookScore } = feed;
  const choices = { ...chosen(known, feed), paused: feed.paused ?? false };
  const back = { ...known, removed: false, purge: undefined };
  return { ...back, bookScore: bookScore ?? known.bookScore, choices };
}

function chosen(known: FeedRecord | null, feed: FeedToAdd) {
  const { priority, labels, model, language, keepAudio, ...rest } = choicesOf(known);
  return {
    ...rest,
    paused: feed.paused ?? rest.paused,
    priority: feed.priority ?? priority,
    labels: feed.labels ?? labels,
    model: feed.model ?? model,
    language: feed.language ?? language,
    ...(feed.filter === undefined ? {} : { filter: feed.filter }),
    ...(feed.prompt === undefined ? {} : { prompt: feed.prompt }),
    ...(feed.hotwords === undefined ? {} : { hotwords: feed.hotwords }),
    keepAudio: feed.keepAudio ?? keepAudio,
  };
}

function isUrlOf(record: FeedRecord | null, url: string): boolean {
  if (record === null) return false;
  return [record.url, ...record.formerUrls].some((one) => normalized(one) === url);
}

function knownFeed(feed: FeedId, url: string, revision: number): AddedFeed {
  return { kind: 'known', feed, url: withoutSecrets(url), revision };
}

function normalized(url: string): string {
  const result = normalizeFeedUrl(url);
  return result.ok ? result.value : url;
}

/** From the title, else from host and path; numbered when it is taken. */
function derivedId(feed: FeedToAdd, url: string, n: number): FeedId {
  const { hostname } = new URL(url);
  // An id is shown everywhere: no token of the path may be in it.
  const pathname = shownPath(new URL(url).pathname);
  const base =
    slug(feed.title ?? '') ??
    slug(`${hostname}${pathname}`.replace(/^www\./, '').replace(/\.(xml|rss|php)$/, '')) ??
    'feed';
  return (n === 1 ? base : `${base}-${n}`) as FeedId;
}
